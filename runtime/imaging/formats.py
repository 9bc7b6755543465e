"""The picture formats that are read and written: their names, suffixes and MIME types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional, Tuple


@dataclass(frozen=True)
class PictureFormat:
    """A format that is read; `pillow` is Pillow's name of it, `title` the one for people.

    `save_options` are the encoder's options, and `None` for a format that is not written.
    """

    pillow: str
    title: str
    suffixes: Tuple[str, ...]
    mime_types: Tuple[str, ...]
    save_options: Optional[Mapping[str, int]] = None


#: JPEG includes MPO, the JPEG of many phones with a preview behind the picture.
FORMATS = (
    PictureFormat(
        "JPEG", "JPEG", (".jpg", ".jpeg"), ("image/jpeg",), {"quality": 92, "subsampling": 0}
    ),
    PictureFormat("PNG", "PNG", (".png",), ("image/png",), {}),
    PictureFormat("WEBP", "WebP", (".webp",), ("image/webp",), {"quality": 90}),
    PictureFormat("BMP", "BMP", (".bmp",), ("image/bmp",), {}),
    PictureFormat("TIFF", "TIFF", (".tif", ".tiff"), ("image/tiff",), {}),
    PictureFormat("GIF", "GIF", (".gif",), ("image/gif",)),
)

#: What is read, by file suffix and by MIME type, in lower case.
SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)
MIME_TYPES = tuple(mime_type for each in FORMATS for mime_type in each.mime_types)

#: What is written, by file suffix.
WRITABLE: Mapping[str, PictureFormat] = {
    suffix: each for each in FORMATS if each.save_options is not None for suffix in each.suffixes
}


def format_names(conjunction: str) -> str:
    """All formats in one phrase, such as `JPEG, PNG or GIF`."""
    titles = [each.title for each in FORMATS]
    return f"{', '.join(titles[:-1])} {conjunction} {titles[-1]}"
