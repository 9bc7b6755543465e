-- Whose turn it is must not depend on the clock, which jumps on a machine without a battery for it.
ALTER TABLE jobs ADD COLUMN turn INTEGER;
UPDATE jobs
SET turn = (SELECT COUNT(*) FROM jobs AS earlier WHERE earlier.started <= jobs.started)
WHERE started IS NOT NULL;
