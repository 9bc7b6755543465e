"""Filters that several handlers share."""

from __future__ import annotations

from aiogram import F
from aiogram.filters import Command, Filter, and_f


def command(name: str) -> Filter:
    """A filter for a command; what begins with a slash under a picture is no command."""
    return and_f(F.text, Command(name, ignore_case=True))


def captioned(name: str) -> Filter:
    """A filter for a command under a picture."""
    return and_f(F.caption, Command(name, ignore_case=True))
