-- A job carries its options whole, as JSON; how it ended, its style and the mode of a dialogue are
-- columns and keys of their own instead of texts that had to be parsed.
-- SQLite 3.22 of Ubuntu 18.04 cannot rename a column: the tables are made again.

-- What a user chose; `options` holds the chosen ones only, NULL elsewhere is no choice.
CREATE TABLE users (
    user_id INTEGER PRIMARY KEY,
    language TEXT,
    options TEXT NOT NULL DEFAULT '{}',
    style_name TEXT,
    style_picture INTEGER
);
INSERT INTO users
SELECT
    user_id,
    language,
    CASE
        WHEN strength IS NULL THEN '{}'
        ELSE json_object(
            'strength', strength,
            'size', size,
            'keep_colours', json(CASE keep_colours WHEN 1 THEN 'true' ELSE 'false' END)
        )
    END,
    CASE WHEN style LIKE 'gallery:%' THEN substr(style, 9) END,
    CASE WHEN style LIKE 'picture:%' THEN CAST(substr(style, 9) AS INTEGER) END
FROM people;
DROP TABLE people;

-- Pictures that users sent, as Telegram's file ids.
ALTER TABLE pictures RENAME TO pictures_before;
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    file_id TEXT NOT NULL,
    media_kind TEXT NOT NULL,
    album TEXT,
    received REAL NOT NULL,
    UNIQUE (chat_id, message_id)
);
INSERT INTO pictures
SELECT id, user_id, chat_id, message_id, file_id, form, album, received FROM pictures_before;

ALTER TABLE jobs RENAME TO jobs_before;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    reply_to INTEGER NOT NULL,
    language TEXT NOT NULL,
    kind TEXT NOT NULL,
    options TEXT NOT NULL,
    picture INTEGER NOT NULL,
    style_name TEXT,
    style_picture INTEGER,
    model TEXT,
    of_album INTEGER NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    refused_picture TEXT,
    refusal_reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    status_message INTEGER,
    created REAL NOT NULL,
    started REAL,
    finished REAL
);
INSERT INTO jobs
SELECT
    id,
    dedupe,
    user_id,
    chat_id,
    reply_to,
    language,
    kind,
    CASE kind
        WHEN 'stylize' THEN json_object(
            'strength', strength,
            'size', size,
            'keep_colours', json(CASE keep_colours WHEN 1 THEN 'true' ELSE 'false' END)
        )
        ELSE '{}'
    END,
    picture,
    CASE WHEN style LIKE 'gallery:%' THEN substr(style, 9) END,
    CASE WHEN style LIKE 'picture:%' THEN CAST(substr(style, 9) AS INTEGER) END,
    model,
    of_album,
    state,
    CASE WHEN outcome LIKE '%:%' THEN 'refused' ELSE outcome END,
    CASE WHEN outcome LIKE '%:%' THEN substr(outcome, 1, instr(outcome, ':') - 1) END,
    CASE WHEN outcome LIKE '%:%' THEN substr(outcome, instr(outcome, ':') + 1) END,
    attempts,
    status_message,
    created,
    started,
    finished
FROM jobs_before;

-- No id is given twice: result files are named after them.
DELETE FROM sqlite_sequence WHERE name IN ('pictures', 'jobs');
UPDATE sqlite_sequence SET name = 'pictures' WHERE name = 'pictures_before';
UPDATE sqlite_sequence SET name = 'jobs' WHERE name = 'jobs_before';
DROP TABLE pictures_before;
DROP TABLE jobs_before;
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_user ON jobs (user_id);

-- Single values: the web hook's secret, the measured seconds of each kind of job.
CREATE TABLE key_values (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO key_values
SELECT CASE WHEN key LIKE 'pace:%' THEN 'eta:' || substr(key, 6) ELSE key END, value FROM facts;
DROP TABLE facts;

-- {"mode": "translate:NAME"} becomes {"kind": "translate", "model": "NAME"}.
UPDATE dialogue
SET data = json_set(
    json_remove(data, '$.mode'),
    '$.kind',
    CASE instr(json_extract(data, '$.mode'), ':')
        WHEN 0 THEN json_extract(data, '$.mode')
        ELSE substr(json_extract(data, '$.mode'), 1, instr(json_extract(data, '$.mode'), ':') - 1)
    END,
    '$.model',
    CASE instr(json_extract(data, '$.mode'), ':')
        WHEN 0 THEN NULL
        ELSE substr(json_extract(data, '$.mode'), instr(json_extract(data, '$.mode'), ':') + 1)
    END
)
WHERE json_extract(data, '$.mode') IS NOT NULL;
