"""No damaged picture raises anything but `PictureError`, in a process that a decoder may crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def test_damaged_pictures_are_refused(tmp_path):
    at = tmp_path / "at"
    command = [sys.executable, "-m", "tests.support.picture_fuzz"]
    command += ["--count", "2000", "--at", str(at)]
    done = subprocess.run(
        command, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert done.returncode == 0, f"at {at.read_text()}:\n{done.stdout.decode()}"
