"""The command line `python -m runtime`: `stylize`, `translate`, `sketch`, `sheet` and `doctor`."""

from __future__ import annotations

from runtime.cli.command import main

__all__ = ["main"]
