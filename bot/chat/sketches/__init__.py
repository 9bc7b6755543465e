"""What sketches and stages are shown by: the sheet to choose a style from, and the film."""
