-- A database with the tables of version 5, in which a painting had one style and one size.
BEGIN TRANSACTION;
CREATE TABLE accepted_updates (
    update_id INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    restarts INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE dialogue (
    key TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL,
    state TEXT,
    data TEXT NOT NULL DEFAULT '{}'
);
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
, turn INTEGER, topic INTEGER);
INSERT INTO "jobs" VALUES(1,'update:1',1,1,11,'en','stylize','{"backend": "auto", "keep_colours": false, "objective": "auto", "pooling": "average", "seed": 1, "size": 256, "steps": 130, "strength": 0.5, "weights": "auto"}',1,'night-swirls',NULL,NULL,0,'queued',NULL,NULL,NULL,0,NULL,1.79565917906009316442e+09,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(2,'update:2',2,2,12,'en','stylize','{"backend": "auto", "keep_colours": false, "objective": "auto", "pooling": "average", "seed": 2, "size": 384, "steps": 130, "strength": 0.5, "weights": "auto"}',2,NULL,3,NULL,1,'running',NULL,NULL,NULL,1,NULL,1.79565917906521487238e+09,1.79565917908122754101e+09,NULL,1,NULL);
INSERT INTO "jobs" VALUES(3,'update:3',3,3,13,'en','stylize','{"backend": "auto", "keep_colours": false, "objective": "auto", "pooling": "average", "seed": 3, "size": 512, "steps": 130, "strength": 0.5, "weights": "auto"}',3,'a:b',NULL,NULL,0,'queued',NULL,NULL,NULL,0,NULL,1.79565917906613707545e+09,NULL,NULL,NULL,7);
INSERT INTO "jobs" VALUES(4,'update:4',4,4,14,'en','stylize','{"backend": "auto", "keep_colours": false, "objective": "auto", "pooling": "average", "seed": 4, "size": 300, "steps": 130, "strength": 0.5, "weights": "auto"}',4,'a:b',NULL,NULL,0,'queued',NULL,NULL,NULL,0,NULL,1.79565917907594728474e+09,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(5,'update:5',5,5,15,'ru','translate','{"backend": "auto", "detail": true, "size": 384}',1,NULL,NULL,'vintage',0,'queued',NULL,NULL,NULL,0,NULL,1.79565917907999897003e+09,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(6,'update:6',6,6,16,'en','stylize','{"backend": "auto", "keep_colours": false, "objective": "auto", "pooling": "average", "seed": 6, "size": 384, "steps": 130, "strength": 0.5, "weights": "auto"}',6,'a:b',NULL,NULL,0,'answered','painted',NULL,NULL,1,NULL,1.79565917908067798616e+09,1.79565917908799505238e+09,1.79565917909204363824e+09,2,NULL);
CREATE TABLE key_values (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO "key_values" VALUES('eta:stylize:384','40.00');
INSERT INTO "key_values" VALUES('eta:translate:vintage','3.00');
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    file_id TEXT NOT NULL,
    media_kind TEXT NOT NULL,
    album TEXT,
    received REAL NOT NULL, topic INTEGER, spoiler INTEGER NOT NULL DEFAULT 0, album_answered INTEGER NOT NULL DEFAULT 0,
    UNIQUE (chat_id, message_id)
);
INSERT INTO "pictures" VALUES(1,1,1,11,'file-1','photo',NULL,1.79565917900710844993e+09,NULL,0,0);
INSERT INTO "pictures" VALUES(2,2,2,12,'file-2','photo',NULL,1.79565917901973867414e+09,NULL,0,0);
INSERT INTO "pictures" VALUES(3,3,3,13,'file-3','photo',NULL,1.79565917902789020537e+09,NULL,0,0);
CREATE TABLE updates (
    update_id INTEGER PRIMARY KEY,
    seen REAL NOT NULL
);
CREATE TABLE uploads (
    digest TEXT PRIMARY KEY,
    file_id TEXT NOT NULL
);
CREATE TABLE users (
    user_id INTEGER PRIMARY KEY,
    language TEXT,
    options TEXT NOT NULL DEFAULT '{}',
    style_name TEXT,
    style_picture INTEGER
);
INSERT INTO "users" VALUES(1,NULL,'{"size": 256, "strength": 0.75}','night-swirls',NULL);
INSERT INTO "users" VALUES(2,NULL,'{"size": 384}',NULL,NULL);
INSERT INTO "users" VALUES(3,NULL,'{"size": 512}',NULL,3);
INSERT INTO "users" VALUES(4,NULL,'{"size": 300}',NULL,NULL);
INSERT INTO "users" VALUES(5,'ru','{}',NULL,NULL);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_user ON jobs (user_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pictures',3);
INSERT INTO "sqlite_sequence" VALUES('jobs',6);
COMMIT;
PRAGMA user_version = 5;
