"""The table of picture formats agrees with Pillow, and gives what its users derive from it."""

from __future__ import annotations

import pytest
from PIL import Image

from runtime.imaging.formats import FORMATS, MIME_TYPES, SUFFIXES, WRITABLE, format_names


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.title)
def test_pillow_knows_each_format_by_these_names(each):
    Image.init()
    assert all(Image.registered_extensions()[suffix] == each.pillow for suffix in each.suffixes)
    assert each.mime_types == (Image.MIME[each.pillow],)


def test_no_suffix_or_type_belongs_to_two_formats():
    assert len(set(SUFFIXES)) == len(SUFFIXES) == 8
    assert len(set(MIME_TYPES)) == len(MIME_TYPES) == 6


def test_all_but_gif_are_written():
    assert set(SUFFIXES) - set(WRITABLE) == {".gif"}


def test_names_make_a_phrase():
    assert format_names("or") == "JPEG, PNG, WebP, BMP, TIFF or GIF"
