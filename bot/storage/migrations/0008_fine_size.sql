-- A painting has two stages, and the size that users choose is that of the fine one: what was chosen
-- before becomes the size of the same rank. Another size was the owner's default, and is left out.
CREATE TABLE sizes_before (size INTEGER PRIMARY KEY, fine INTEGER NOT NULL);
INSERT INTO sizes_before VALUES (256, 640), (384, 1024), (512, 1280);
UPDATE users
SET options = json_set(
    options,
    '$.fine',
    (SELECT fine FROM sizes_before WHERE size = json_extract(options, '$.size'))
)
WHERE json_extract(options, '$.size') IN (SELECT size FROM sizes_before);
UPDATE jobs
SET options = json_set(
    options,
    '$.fine',
    (SELECT fine FROM sizes_before WHERE size = json_extract(options, '$.size'))
)
WHERE kind = 'stylize' AND json_extract(options, '$.size') IN (SELECT size FROM sizes_before);
UPDATE users SET options = json_remove(options, '$.size');
UPDATE jobs SET options = json_remove(options, '$.size') WHERE kind = 'stylize';
DROP TABLE sizes_before;
-- Such paintings take another time now, which is measured again.
DELETE FROM key_values WHERE key LIKE 'eta:stylize:%';
