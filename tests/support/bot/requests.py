"""Requests for the fake painter."""

from __future__ import annotations

from bot.painting.protocol import Task


def task(what="paint", name="one"):
    return Task(kind=what, photo="photo.jpg", output=f"{name}.png", previews="previews", size=64)


def unheard(progress):
    """Take no notice."""
