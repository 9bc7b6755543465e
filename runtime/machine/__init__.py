"""The machine that Jetbrush runs on: its state and what to do about it."""
