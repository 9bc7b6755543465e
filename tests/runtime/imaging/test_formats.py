"""The table of picture formats agrees with Pillow, and gives what its users derive from it."""

from __future__ import annotations

import pytest
from PIL import Image

from runtime.imaging.formats import (
    AVIF,
    FORMATS,
    HEIC,
    SUFFIXES,
    WRITABLE,
    format_names,
    may_be_picture,
)


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.title)
def test_pillow_knows_each_format_by_these_names(each):
    Image.init()
    assert all(Image.registered_extensions()[suffix] == each.pillow for suffix in each.suffixes)
    assert may_be_picture(None, Image.MIME[each.pillow])


def test_no_suffix_belongs_to_two_formats():
    assert len(set(SUFFIXES)) == len(SUFFIXES) == 8 + len(HEIC.suffixes + AVIF.suffixes)


def test_all_but_gif_heic_and_avif_are_written():
    assert set(SUFFIXES) - set(WRITABLE) == {".gif", *HEIC.suffixes, *AVIF.suffixes}


def test_names_make_a_phrase():
    assert format_names("or") == "JPEG, PNG, WebP, BMP, TIFF or GIF"


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("IMG_0001.HEIC", "application/octet-stream"),
        ("photo.Jpg", None),
        ("scan.TIF", ""),
        (None, "image/heif"),
        (None, "IMAGE/JPEG"),
        ("", "image/x-ms-bmp"),
        ("photo", "image/pjpeg"),
    ],
)
def test_pictures_are_known_by_type_or_suffix_in_any_case(name, mime_type):
    assert may_be_picture(name, mime_type)


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [(None, None), ("letter.pdf", "application/pdf"), ("jpg", "video/mp4"), ("a.jpg.zip", None)],
)
def test_other_files_are_no_pictures(name, mime_type):
    assert not may_be_picture(name, mime_type)
