"""Sheets of pictures with captions, and a photo sketched in every style of the gallery on one."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence, Tuple

from PIL import Image, ImageDraw, ImageFont

from runtime.backends.kept import KeptGraphs
from runtime.catalog.styles import Style
from runtime.errors import OptionError
from runtime.imaging.reading import read_picture
from runtime.options import SketchOptions
from runtime.sketching import reduced, sketches
from runtime.spec.engines import Size
from runtime.spec.folder import DEFAULT_ENGINES

#: Pictures per row; the gap between them and the height of a line of text, in pixels.
_COLUMNS, _GAP, _LINE = 3, 12, 26

#: The diameter of the disc under a number: its share of the picture's shorter side, and pixels.
_DISC, _LEAST_DISC = 0.16, 24

#: The caption and the picture.
Panel = Tuple[str, Image.Image]


def contact_sheet(
    photo: Image.Image,
    styles: Sequence[Style],
    options: Optional[SketchOptions] = None,
    *,
    engines: Path = DEFAULT_ENGINES,
    graphs: Optional[KeptGraphs] = None,
) -> Image.Image:
    """`photo`, RGB, in each of `styles`, with their numbers from 1 and English titles below.

    The longer side of each sketch has `options.size` pixels, or those of the photo if it has fewer.
    Raises what `runtime.sketching.sketch` raises, `PictureError` for a style that cannot be read, and
    `OptionError` without a style.
    """
    if not styles:
        raise OptionError("There is no style to sketch in; `git checkout styles` restores them.")
    options = options or SketchOptions()
    small = reduced(photo, options.size)
    pictures = [read_picture(style.path) for style in styles]
    sketched = sketches(small, pictures, options, engines=engines, graphs=graphs)
    captions = [f"{number}. {style.title['en']}" for number, style in enumerate(styles, 1)]
    return sheet(list(zip(captions, sketched)))


def numbered_sheet(pictures: Sequence[Image.Image]) -> Image.Image:
    """Arrange RGB pictures of one size in rows, with their numbers from 1 in a corner."""
    return _in_rows([_with_number(each, number) for number, each in enumerate(pictures, 1)], 0)


def sheet(panels: Sequence[Panel]) -> Image.Image:
    """Arrange pictures of one size in rows, each with its caption below."""
    image = _in_rows([picture for _, picture in panels], _LINE)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(15)
    width, height = panels[0][1].size
    for index, (caption, _) in enumerate(panels):
        left, top = _corner(index, (width, height), _LINE)
        draw.text((left + width / 2, top + height + 4), caption, "#222222", font, anchor="ma")
    return image


def sheet_size(size: Size, count: int) -> Size:
    """The size of the sheet with `count` pictures of `size` and their captions."""
    return _size(size, count, _LINE)


def _in_rows(pictures: Sequence[Image.Image], line: int) -> Image.Image:
    """The pictures on white, each with room below for a text `line` pixels high."""
    image = Image.new("RGB", _size(pictures[0].size, len(pictures), line), "white")
    for index, picture in enumerate(pictures):
        image.paste(picture, _corner(index, picture.size, line))
    return image


def _size(size: Size, count: int, line: int) -> Size:
    columns = min(_COLUMNS, count)
    left, top = _corner(0, size, line)
    right, _ = _corner(columns - 1, size, line)
    _, bottom = _corner(count - 1, size, line)
    return right + size[0] + left, bottom + size[1] + line + top


def _corner(index: int, size: Size, line: int) -> Size:
    """Where the picture of this index, from 0, has its upper left corner."""
    row, column = divmod(index, _COLUMNS)
    return _GAP + column * (size[0] + _GAP), _GAP + row * (size[1] + line + _GAP)


def _with_number(picture: Image.Image, number: int) -> Image.Image:
    """A copy with the number on a disc, large enough for a phone."""
    side = max(_LEAST_DISC, round(min(picture.size) * _DISC))
    # Drawn large and made smaller, or the edge would be jagged.
    disc = Image.new("L", (side * 4, side * 4))
    ImageDraw.Draw(disc).ellipse((0, 0, side * 4 - 1, side * 4 - 1), 255)
    disc = disc.resize((side, side), Image.Resampling.LANCZOS)
    label = Image.new("RGB", (side, side), "white")
    font = ImageFont.load_default(side * 0.62)
    ImageDraw.Draw(label).text((side / 2, side / 2), str(number), "#222222", font, anchor="mm")
    result = picture.copy()
    result.paste(label, (side // 6, side // 6), disc)
    return result
