"""The whole bot: its assembly, start, supervision and stop."""
