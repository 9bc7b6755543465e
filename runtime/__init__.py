"""Jetbrush's runtime: images in, pictures out.

`stylize` repaints a photo in the style of a picture, `translate` runs it through a generator. The
names below are imported when they are first used, so that importing `runtime` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.cyclegan import translate
    from runtime.errors import BackendError, Cancelled, JetbrushError, OptionError, PictureError
    from runtime.gallery import Style, find_style, installed_styles
    from runtime.gatys import stylize
    from runtime.generators import Model, models
    from runtime.options import StylizeOptions, TranslateOptions
    from runtime.picture import read_picture, write_picture
    from runtime.progress import Progress

_HOMES = {
    "BackendError": "errors",
    "Cancelled": "errors",
    "JetbrushError": "errors",
    "Model": "generators",
    "OptionError": "errors",
    "PictureError": "errors",
    "Progress": "progress",
    "Style": "gallery",
    "StylizeOptions": "options",
    "TranslateOptions": "options",
    "find_style": "gallery",
    "installed_styles": "gallery",
    "models": "generators",
    "read_picture": "picture",
    "stylize": "gatys",
    "translate": "cyclegan",
    "write_picture": "picture",
}

__all__ = [
    "BackendError",
    "Cancelled",
    "JetbrushError",
    "Model",
    "OptionError",
    "PictureError",
    "Progress",
    "Style",
    "StylizeOptions",
    "TranslateOptions",
    "find_style",
    "installed_styles",
    "models",
    "read_picture",
    "stylize",
    "translate",
    "write_picture",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'runtime' has no attribute {name!r}")
    return getattr(importlib.import_module(f"runtime.{_HOMES[name]}"), name)
