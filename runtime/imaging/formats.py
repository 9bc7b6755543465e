"""The picture formats that are read and written: their names, suffixes and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional, Tuple


@dataclass(frozen=True)
class PictureFormat:
    """A format that is read; `pillow` is Pillow's name of it, `title` the one for people.

    animated: whether a file may hold frames that follow each other.
    save_options: the encoder's options, and `None` for a format that is not written.
    most_side: the longest side that can be written, in pixels; 0 if any that Pillow holds.
    """

    pillow: str
    title: str
    suffixes: Tuple[str, ...]
    animated: bool = False
    save_options: Optional[Mapping[str, int]] = None
    most_side: int = 0


#: JPEG includes MPO, the JPEG of many phones with a preview behind the picture.
FORMATS = (
    PictureFormat(
        "JPEG",
        "JPEG",
        (".jpg", ".jpeg"),
        save_options={"quality": 92, "subsampling": 0},
        # Not the format's 65,535, but that of libjpeg.
        most_side=65_500,
    ),
    PictureFormat("PNG", "PNG", (".png",), animated=True, save_options={}),
    PictureFormat(
        "WEBP",
        "WebP",
        (".webp",),
        animated=True,
        save_options={"quality": 90},
        most_side=16_383,
    ),
    PictureFormat("BMP", "BMP", (".bmp",), save_options={}),
    PictureFormat("TIFF", "TIFF", (".tif", ".tiff"), save_options={}),
    PictureFormat("GIF", "GIF", (".gif",), animated=True),
)

#: Formats that are read where a library does: pi-heif, and Pillow from version 11.3 on.
HEIC = PictureFormat("HEIF", "HEIC", (".heic", ".heif", ".hif"))
AVIF = PictureFormat("AVIF", "AVIF", (".avif",), animated=True)
OPTIONAL_FORMATS = (HEIC, AVIF)

#: What may be read, by file suffix in lower case.
SUFFIXES = tuple(suffix for each in FORMATS + OPTIONAL_FORMATS for suffix in each.suffixes)

#: What is written, by file suffix.
WRITABLE: Mapping[str, PictureFormat] = {
    suffix: each for each in FORMATS if each.save_options is not None for suffix in each.suffixes
}


def format_names(conjunction: str) -> str:
    """The formats that are always read, in one phrase, such as `JPEG, PNG or GIF`."""
    *others, last = (each.title for each in FORMATS)
    return f"{', '.join(others)} {conjunction} {last}"


def may_be_picture(name: Optional[str], mime_type: Optional[str]) -> bool:
    """Whether a file of this name and MIME type, in any case, is worth an attempt to read it."""
    return (mime_type or "").lower().startswith("image/") or (name or "").lower().endswith(SUFFIXES)
