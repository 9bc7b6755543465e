-- Messages that were sent and whose answer is not stored. `newest` is the newest number before the call,
-- `markup` the message's buttons as JSON.
CREATE TABLE pending_sends (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    markup TEXT NOT NULL
);
-- What the bot sent to the chats of such messages meanwhile.
CREATE TABLE sent_messages (
    chat_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (chat_id, message_id)
);
-- The number of the bot's newest message, for each sequence of numbers.
CREATE TABLE newest_messages (
    sequence INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL
);
-- The message that asks what to do with a picture.
ALTER TABLE pictures ADD COLUMN question INTEGER;
CREATE TRIGGER job_deleted AFTER DELETE ON jobs BEGIN
    DELETE FROM pending_sends WHERE subject = 'job' AND subject_id = OLD.id;
END;
CREATE TRIGGER picture_deleted AFTER DELETE ON pictures BEGIN
    DELETE FROM pending_sends WHERE subject = 'picture' AND subject_id = OLD.id;
END;
CREATE TRIGGER pending_send_deleted AFTER DELETE ON pending_sends
WHEN NOT EXISTS (SELECT 1 FROM pending_sends WHERE chat_id = OLD.chat_id) BEGIN
    DELETE FROM sent_messages WHERE chat_id = OLD.chat_id;
END;
