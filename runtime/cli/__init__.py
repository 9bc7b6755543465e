"""The command line `python -m runtime`: `stylize`, `translate` and `doctor`."""

from __future__ import annotations

from runtime.cli.command import main

__all__ = ["main"]
