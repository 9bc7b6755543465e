"""No damaged video raises anything but `VideoError`, in a process that a decoder may crash."""

from __future__ import annotations

import pytest

from tests.support.fuzz import check

pytest.importorskip("av")


def test_damaged_videos_are_refused(tmp_path):
    check("tests.support.video_fuzz", 150, tmp_path / "at")
