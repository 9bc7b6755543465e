"""Sheets of pictures with captions."""

from __future__ import annotations

import numpy as np

from runtime.sheets import sheet
from tests.support.pictures import photo


def test_more_pictures_than_fit_a_row_go_below():
    panels = [(str(index), photo(60, 40)) for index in range(5)]
    image = sheet(panels)
    assert image.size == (3 * 72 + 12, 2 * 78 + 12)
    np.testing.assert_array_equal(np.asarray(image)[90:130, 84:144], np.asarray(panels[4][1]))
