"""Requests for the fake painter."""

from __future__ import annotations

from bot.painting.protocol import PaintRequest
from runtime import TranslateOptions


def request(what="paint", name="one"):
    return PaintRequest(
        photo="photo.jpg",
        output=f"{name}.png",
        previews="previews",
        options=TranslateOptions(size=64),
        model=what,
    )


def unheard(progress):
    """Take no notice."""
