"""Sheets of pictures with captions, and a photo sketched in every style of the gallery on one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Optional, Sequence, Tuple

from PIL import Image, ImageDraw, ImageFont

from runtime.backends.kept import KeptGraphs
from runtime.catalog.styles import Style
from runtime.imaging.reading import read_picture
from runtime.options import SketchOptions
from runtime.progress import Event
from runtime.sketching import sketches
from runtime.spec.engines import Size
from runtime.spec.folder import DEFAULT_ENGINES

#: Pictures per row; the gap between them and the height of a line of text, in pixels.
_COLUMNS, _GAP, _LINE = 3, 12, 26

#: The caption and the picture.
Panel = Tuple[str, Image.Image]


def contact_sheet(
    photo: Image.Image,
    styles: Sequence[Style],
    options: Optional[SketchOptions] = None,
    *,
    engines: Path = DEFAULT_ENGINES,
    graphs: Optional[KeptGraphs] = None,
    cancel: Optional[Event] = None,
) -> Image.Image:
    """`photo`, RGB, in each of `styles`, with their numbers from 1 and English titles below.

    The longer side of each sketch has `options.size` pixels, or those of the photo if it has fewer.
    Raises what `runtime.sketching.sketch` raises, and `PictureError` for a style that cannot be read.
    """
    options = options or SketchOptions()
    small = photo.copy()
    small.thumbnail((options.size, options.size), Image.Resampling.LANCZOS)
    pictures = [read_picture(style.path) for style in styles]
    sketched = sketches(small, pictures, options, engines=engines, graphs=graphs, cancel=cancel)
    captions = [f"{number}. {style.title['en']}" for number, style in enumerate(styles, 1)]
    return sheet(list(zip(captions, sketched)))


def sheet(panels: Sequence[Panel]) -> Image.Image:
    """Arrange pictures of one size in rows, each with its caption below."""
    size = panels[0][1].size
    width, height = size
    step_x, step_y = _steps(size)
    image = Image.new("RGB", sheet_size(size, len(panels)), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(15)
    for index, (caption, picture) in enumerate(panels):
        left, top = _GAP + index % _COLUMNS * step_x, _GAP + index // _COLUMNS * step_y
        image.paste(picture, (left, top))
        draw.text((left + width / 2, top + height + 4), caption, "#222222", font, anchor="ma")
    return image


def sheet_size(size: Size, count: int) -> Size:
    """The size of the sheet with `count` pictures of `size`."""
    columns = min(_COLUMNS, count)
    rows = math.ceil(count / columns)
    step_x, step_y = _steps(size)
    return columns * step_x + _GAP, rows * step_y + _GAP


def _steps(size: Size) -> Size:
    """From one picture of the sheet to the next one to the right, and to the one below."""
    return size[0] + _GAP, size[1] + _LINE + _GAP
