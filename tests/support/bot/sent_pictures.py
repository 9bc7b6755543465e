"""Small picture files, each another."""

from __future__ import annotations

import io
import itertools

from PIL import Image

_SHADES = itertools.count(1)


def picture(size=(96, 64), file_format="JPEG"):
    """A picture file of a colour that no other has."""
    shade = next(_SHADES)
    image = Image.new("RGB", size, (shade * 37 % 256, shade * 91 % 256, shade % 256))
    buffer = io.BytesIO()
    image.save(buffer, file_format)
    return buffer.getvalue()
