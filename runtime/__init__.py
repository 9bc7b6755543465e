"""Jetbrush's runtime: images in, pictures out.

`stylize` repaints a photo in the style of a picture, `translate` runs it through a generator,
`sketch` repaints it in one pass, and `repaint_video` does so with each frame of a video. Each name below is imported when it is first used, so that
importing `runtime` is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.catalog.generators import Model, models, models_named
    from runtime.catalog.styles import Style, find_style, installed_styles
    from runtime.errors import (
        BackendError,
        Cancelled,
        JetbrushError,
        OptionError,
        PictureError,
        VideoError,
    )
    from runtime.gatys.targets import WeightedStyle
    from runtime.imaging.reading import read_picture
    from runtime.imaging.writing import write_picture
    from runtime.options import SketchOptions, StylizeOptions, TranslateOptions, VideoOptions
    from runtime.progress import Progress
    from runtime.sheets import contact_sheet
    from runtime.sketching import sketch
    from runtime.style_transfer import stylize
    from runtime.translation import translate
    from runtime.video.formats import may_be_video
    from runtime.video.pace import MOST_SECONDS
    from runtime.video.reading import measure_video
    from runtime.video.repainting import repaint_video
    from runtime.video.writing import write_video

_HOMES = {
    "MOST_SECONDS": "video.pace",
    "BackendError": "errors",
    "Cancelled": "errors",
    "JetbrushError": "errors",
    "Model": "catalog.generators",
    "OptionError": "errors",
    "PictureError": "errors",
    "Progress": "progress",
    "SketchOptions": "options",
    "Style": "catalog.styles",
    "StylizeOptions": "options",
    "TranslateOptions": "options",
    "VideoError": "errors",
    "VideoOptions": "options",
    "WeightedStyle": "gatys.targets",
    "contact_sheet": "sheets",
    "find_style": "catalog.styles",
    "installed_styles": "catalog.styles",
    "may_be_video": "video.formats",
    "measure_video": "video.reading",
    "models": "catalog.generators",
    "models_named": "catalog.generators",
    "read_picture": "imaging.reading",
    "repaint_video": "video.repainting",
    "sketch": "sketching",
    "stylize": "style_transfer",
    "translate": "translation",
    "write_picture": "imaging.writing",
    "write_video": "video.writing",
}

__all__ = [
    "MOST_SECONDS",
    "BackendError",
    "Cancelled",
    "JetbrushError",
    "Model",
    "OptionError",
    "PictureError",
    "Progress",
    "SketchOptions",
    "Style",
    "StylizeOptions",
    "TranslateOptions",
    "VideoError",
    "VideoOptions",
    "WeightedStyle",
    "contact_sheet",
    "find_style",
    "installed_styles",
    "may_be_video",
    "measure_video",
    "models",
    "models_named",
    "read_picture",
    "repaint_video",
    "sketch",
    "stylize",
    "translate",
    "write_picture",
    "write_video",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'runtime' has no attribute {name!r}")
    return getattr(importlib.import_module(f"runtime.{_HOMES[name]}"), name)
