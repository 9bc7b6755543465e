"""Requests for the fake painter."""

from __future__ import annotations

from bot.painting.protocol import PaintRequest


def request(what="paint", name="one"):
    return PaintRequest(
        kind=what, photo="photo.jpg", output=f"{name}.png", previews="previews", size=64
    )


def unheard(progress):
    """Take no notice."""
