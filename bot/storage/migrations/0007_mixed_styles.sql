-- A painting may have several styles with weights, as JSON:
-- [{"name": "night-swirls", "picture": null, "weight": 0.7}, {"name": null, "picture": 12, "weight": 0.3}]
-- SQLite 3.22 of Ubuntu 18.04 cannot drop a column: the tables are made again.

-- What a user chose; `options` holds the chosen ones only, NULL and [] elsewhere are no choice.
ALTER TABLE users RENAME TO users_before;
CREATE TABLE users (
    user_id INTEGER PRIMARY KEY,
    language TEXT,
    options TEXT NOT NULL DEFAULT '{}',
    styles TEXT NOT NULL DEFAULT '[]'
);
INSERT INTO users
SELECT
    user_id,
    language,
    options,
    CASE
        WHEN style_name IS NULL AND style_picture IS NULL THEN '[]'
        ELSE json_array(json_object('name', style_name, 'picture', style_picture, 'weight', 1.0))
    END
FROM users_before;
DROP TABLE users_before;

ALTER TABLE jobs RENAME TO jobs_before;
DROP INDEX jobs_by_state;
DROP INDEX jobs_by_user;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    topic INTEGER,
    reply_to INTEGER NOT NULL,
    language TEXT NOT NULL,
    kind TEXT NOT NULL,
    options TEXT NOT NULL,
    picture INTEGER NOT NULL,
    styles TEXT NOT NULL,
    model TEXT,
    of_album INTEGER NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    refused_picture TEXT,
    refusal_reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    turn INTEGER,
    status_message INTEGER,
    created REAL NOT NULL,
    started REAL,
    finished REAL
);
INSERT INTO jobs
SELECT
    id,
    idempotency_key,
    user_id,
    chat_id,
    topic,
    reply_to,
    language,
    kind,
    options,
    picture,
    CASE
        WHEN style_name IS NULL AND style_picture IS NULL THEN '[]'
        ELSE json_array(json_object('name', style_name, 'picture', style_picture, 'weight', 1.0))
    END,
    model,
    of_album,
    state,
    outcome,
    refused_picture,
    refusal_reason,
    attempts,
    turn,
    status_message,
    created,
    started,
    finished
FROM jobs_before;
-- No id is given twice: result files are named after them.
DELETE FROM sqlite_sequence WHERE name = 'jobs';
UPDATE sqlite_sequence SET name = 'jobs' WHERE name = 'jobs_before';
DROP TABLE jobs_before;
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_user ON jobs (user_id);
-- The trigger was deleted with the table.
CREATE TRIGGER job_deleted AFTER DELETE ON jobs BEGIN
    DELETE FROM pending_sends WHERE subject = 'job' AND subject_id = OLD.id;
END;
