"""Examines the machine that Jetbrush runs on, and advises what to change."""
