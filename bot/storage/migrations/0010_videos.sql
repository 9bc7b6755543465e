-- Pictures may be videos and GIFs, and jobs of the kind `video`: releases before this one cannot read
-- them.
UPDATE key_values SET value = '10' WHERE key = 'oldest_reader';
