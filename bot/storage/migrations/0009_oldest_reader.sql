-- The lowest version whose release can work with this database. A migration that older releases could
-- not work with raises it to its own number.
INSERT INTO key_values VALUES ('oldest_reader', '9');
