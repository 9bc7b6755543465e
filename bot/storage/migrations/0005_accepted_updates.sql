-- Updates that Telegram need not send again and that are not handled yet, as JSON.
CREATE TABLE accepted_updates (
    update_id INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    restarts INTEGER NOT NULL DEFAULT 0
);
-- A part that comes after the answer joins its album: the album's id stays.
ALTER TABLE pictures ADD COLUMN album_answered INTEGER NOT NULL DEFAULT 0;
