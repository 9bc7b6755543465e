"""Picture files and pixels: reading, framing, finishing, writing."""
