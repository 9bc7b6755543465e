"""Sheets of pictures with captions."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from runtime.catalog.styles import installed_styles
from runtime.errors import OptionError
from runtime.options import SketchOptions
from runtime.sheets import contact_sheet, numbered_sheet, sheet, sheet_size
from tests.support import sketcher
from tests.support.pictures import photo


def test_more_pictures_than_fit_a_row_go_below():
    panels = [(str(index), photo(60, 40)) for index in range(5)]
    image = sheet(panels)
    assert image.size == (3 * 72 + 12, 2 * 78 + 12)
    np.testing.assert_array_equal(np.asarray(image)[90:130, 84:144], np.asarray(panels[4][1]))


def test_each_picture_of_a_numbered_sheet_has_another_disc_in_its_corner():
    pictures = [Image.new("RGB", (150, 100), "#246")] * 10
    image = np.asarray(numbered_sheet(pictures))
    assert image.shape == (4 * 112 + 12, 3 * 162 + 12, 3)
    cells = [
        image[top : top + 100, left : left + 150]
        for top in range(12, 400, 112)
        for left in range(12, 400, 162)
    ][:10]
    discs = {cell[:40, :40].tobytes() for cell in cells}
    assert len(discs) == 10
    for cell in cells:
        white = (cell[:40, :40].min(2) > 250).mean()
        assert 0.1 < white < 0.5 and (cell[40:] == (0x22, 0x44, 0x66)).all()


def test_a_panorama_is_sketched_though_it_is_narrow_when_it_is_small(monkeypatch):
    sketcher.use(monkeypatch)
    styles = list(installed_styles().values())[:2]
    panorama = Image.new("RGB", (640, 40), "#246")
    assert contact_sheet(panorama, styles, SketchOptions(size=64)).size == sheet_size((512, 32), 2)


def test_without_a_style_there_is_no_sheet():
    with pytest.raises(OptionError, match="no style"):
        contact_sheet(photo(60, 40), [])
