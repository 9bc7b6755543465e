"""Where weights come from: the catalogue, downloads, and readers of their files."""
