"""The programs that paint Jetbrush's own styles."""

from __future__ import annotations

import importlib
from typing import Dict

from PIL import Image

# The name of a style in the gallery -> the module that paints it.
PAINTERS: Dict[str, str] = {
    "night-swirls": "night_swirls",
    "woodblock-waves": "woodblock_waves",
    "circles-lines": "circles_lines",
    "sunset-dots": "sunset_dots",
    "stained-glass": "stained_glass",
    "cubist-planes": "cubist_planes",
}
# The seed of the pictures that ship with the project.
SEED = 7


def paint(name: str, size: int = 1024, seed: int = SEED) -> Image.Image:
    """Paint a style by its name, RGB, `size` pixels on its longer side; KeyError if unknown."""
    module = importlib.import_module("styles.tools." + PAINTERS[name])
    picture = module.paint(size, seed)
    assert isinstance(picture, Image.Image)
    return picture
