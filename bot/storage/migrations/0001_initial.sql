-- The tables of the first release. Times are seconds since 1970.

-- Updates that were handled: Telegram sends one again when it did not see the answer.
CREATE TABLE updates (
    update_id INTEGER PRIMARY KEY,
    seen REAL NOT NULL
);
-- aiogram's dialogue state.
CREATE TABLE dialogue (
    key TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL,
    state TEXT,
    data TEXT NOT NULL DEFAULT '{}'
);
-- What a user chose; NULL is the default.
CREATE TABLE people (
    user_id INTEGER PRIMARY KEY,
    language TEXT,
    strength REAL,
    size INTEGER,
    keep_colours INTEGER,
    style TEXT
);
-- Pictures that users sent, as Telegram's file ids.
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    file_id TEXT NOT NULL,
    form TEXT NOT NULL,
    album TEXT,
    received REAL NOT NULL,
    UNIQUE (chat_id, message_id)
);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dedupe TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    reply_to INTEGER NOT NULL,
    language TEXT NOT NULL,
    kind TEXT NOT NULL,
    picture INTEGER NOT NULL,
    style TEXT,
    model TEXT,
    strength REAL NOT NULL,
    size INTEGER NOT NULL,
    keep_colours INTEGER NOT NULL,
    of_album INTEGER NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    status_message INTEGER,
    created REAL NOT NULL,
    started REAL,
    finished REAL
);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_user ON jobs (user_id);
-- Telegram's file ids of pictures that the bot has uploaded before, by their digest.
CREATE TABLE uploads (
    digest TEXT PRIMARY KEY,
    file_id TEXT NOT NULL
);
-- Single values: the web hook's secret, the measured seconds of each kind of job.
CREATE TABLE facts (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
