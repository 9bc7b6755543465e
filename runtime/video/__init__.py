"""Videos: reads them, repaints them frame by frame, and writes them. PyAV is imported here only."""
