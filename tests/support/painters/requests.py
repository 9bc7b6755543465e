"""Requests for the fake painter."""

from __future__ import annotations

from bot.painting.protocol import PaintRequest, SketchRequest, StyleFile
from runtime import SketchOptions, TranslateOptions


def request(what="paint", name="one"):
    return PaintRequest(
        photo="photo.jpg",
        output=f"{name}.png",
        previews="previews",
        options=TranslateOptions(size=64),
        model=what,
    )


def sketch_request(output, photo="photo.jpg", styles=("style.jpg",), **options):
    return SketchRequest(
        photo=str(photo),
        output=str(output),
        looks=tuple((StyleFile(str(style)),) for style in styles),
        options=SketchOptions(**options),
    )


def unheard(progress):
    """Take no notice."""
