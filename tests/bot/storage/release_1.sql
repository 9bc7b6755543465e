-- A database that release 1 wrote, with jobs in every state and users with every kind of choice.
BEGIN TRANSACTION;
CREATE TABLE dialogue (
    key TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL,
    state TEXT,
    data TEXT NOT NULL DEFAULT '{}'
);
INSERT INTO "dialogue" VALUES('42:1:1:default::',1,NULL,'{"mode": "stylize"}');
INSERT INTO "dialogue" VALUES('42:2:2:default::',2,NULL,'{"mode": "translate:horse2zebra"}');
INSERT INTO "dialogue" VALUES('42:3:3:default::',3,'Waiting:style','{"picture": 3}');
INSERT INTO "dialogue" VALUES('42:4:4:default::',4,NULL,'{"language": "en"}');
CREATE TABLE facts (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO "facts" VALUES('webhook-secret','the-secret-of-release-1');
INSERT INTO "facts" VALUES('pace:stylize:512','40.00');
INSERT INTO "facts" VALUES('pace:translate:horse2zebra','3.00');
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
INSERT INTO "jobs" VALUES(1,'update:1',1,1,11,'ru','stylize',1,'gallery:a:b',NULL,0.25,512,1,0,'finished','failed',1,NULL,1790000003.0,1790000011.0,1790000018.0);
INSERT INTO "jobs" VALUES(2,'update:2',2,2,12,'ru','translate',1,NULL,'horse2zebra',0.5,384,0,0,'running',NULL,1,NULL,1790000004.0,1790000012.0,NULL);
INSERT INTO "jobs" VALUES(3,'update:3',3,3,13,'ru','stylize',1,'picture:2',NULL,1.0,256,0,1,'running',NULL,1,77,1790000005.0,1790000013.0,NULL);
INSERT INTO "jobs" VALUES(4,'update:4',1,1,11,'ru','stylize',1,'gallery:a:b',NULL,0.25,512,1,0,'answered','painted',0,NULL,1790000006.0,NULL,1790000014.0);
INSERT INTO "jobs" VALUES(5,'update:5',1,1,11,'ru','stylize',1,'gallery:a:b',NULL,0.25,512,1,0,'finished','photo:too-large',0,NULL,1790000007.0,NULL,1790000015.0);
INSERT INTO "jobs" VALUES(6,'update:6',1,1,11,'ru','stylize',1,'gallery:a:b',NULL,0.25,512,1,0,'finished','style:gone',0,NULL,1790000008.0,NULL,1790000016.0);
INSERT INTO "jobs" VALUES(7,'update:7',1,1,11,'ru','stylize',1,'gallery:a:b',NULL,0.25,512,1,0,'finished','cancelled',0,NULL,1790000009.0,NULL,1790000017.0);
CREATE TABLE people (
    user_id INTEGER PRIMARY KEY,
    language TEXT,
    strength REAL,
    size INTEGER,
    keep_colours INTEGER,
    style TEXT
);
INSERT INTO "people" VALUES(1,'ru',0.25,512,1,'gallery:a:b');
INSERT INTO "people" VALUES(2,'en',NULL,NULL,NULL,NULL);
INSERT INTO "people" VALUES(3,NULL,1.0,256,0,'picture:2');
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
INSERT INTO "pictures" VALUES(1,1,1,11,'file-1','photo',NULL,1790000000.0);
INSERT INTO "pictures" VALUES(2,2,2,12,'file-2','document',NULL,1790000001.0);
INSERT INTO "pictures" VALUES(3,3,-1003,13,'file-3','photo','open',1790000002.0);
CREATE TABLE updates (
    update_id INTEGER PRIMARY KEY,
    seen REAL NOT NULL
);
INSERT INTO "updates" VALUES(5,1790000019.0);
CREATE TABLE uploads (
    digest TEXT PRIMARY KEY,
    file_id TEXT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_user ON jobs (user_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pictures',3);
INSERT INTO "sqlite_sequence" VALUES('jobs',8);
COMMIT;
PRAGMA user_version = 1;
