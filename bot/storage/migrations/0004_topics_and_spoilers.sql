-- The topic of a forum group in which a picture was sent, and whether it was sent as a spoiler.
ALTER TABLE pictures ADD COLUMN topic INTEGER;
ALTER TABLE pictures ADD COLUMN spoiler INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN topic INTEGER;
