"""No damaged picture raises anything but `PictureError`, in a process that a decoder may crash."""

from __future__ import annotations

from tests.support.fuzz import check


def test_damaged_pictures_are_refused(tmp_path):
    check("tests.support.picture_fuzz", 2000, tmp_path / "at")
