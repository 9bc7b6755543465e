"""Paintings and builds of engines take turns."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from runtime.spec.turns import building, is_building, is_painting, painting


def test_a_painting_is_seen_until_it_ends(tmp_path):
    assert not is_painting(tmp_path)
    with painting(tmp_path), painting(tmp_path):
        assert is_painting(tmp_path)
    assert not is_painting(tmp_path)


def test_painting_needs_no_right_to_write_and_no_folder(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with painting(tmp_path):
            assert is_painting(tmp_path)
    finally:
        tmp_path.chmod(0o755)
    with painting(tmp_path / "absent"):
        pass


def test_a_painter_that_is_killed_paints_no_longer(tmp_path):
    """However it ends, the kernel frees what it held."""
    code = (
        "import sys; from pathlib import Path; from runtime.spec.turns import painting\n"
        "with painting(Path(sys.argv[1])): print('paints', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline() == b"paints\n"
        assert is_painting(tmp_path)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not is_painting(tmp_path)


def test_a_folder_has_one_builder(tmp_path):
    assert not is_building(tmp_path)
    with building(tmp_path) as first, building(tmp_path) as second:
        assert first and not second and is_building(tmp_path)
    assert not is_building(tmp_path)
    with building(tmp_path) as alone:
        assert alone
