"""scripts/fleet and `scripts/install --painter`, staged under a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl"),
    pytest.mark.skipif(sys.version_info < (3, 9), reason="the installer wants 3.9"),
]


def run(folder, script, *options):
    """A script's exit code and all that it says, with files under `folder` and its results there."""
    done = subprocess.run(
        [str(ROOT / "scripts" / script), *options],
        cwd=str(folder),
        env={**os.environ, "DESTDIR": str(folder / "staged"), "PYTHON": sys.executable},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def test_a_server_and_a_painter_are_prepared_with_three_commands(tmp_path):
    code, said = run(tmp_path, "fleet", "init", "192.168.1.20")
    assert code == 0, said
    code, said = run(tmp_path, "fleet", "add", "nano-2")
    assert code == 0, said
    credentials = tmp_path / "nano-2.fleet"
    etc = tmp_path / "staged" / "etc" / "jetbrush"
    config = (etc / "fleet" / "nats.conf").read_text()
    assert "verify_and_map: true" in config and "/var/lib/jetbrush-nats/jetstream" in config
    assert "nano-2" in run(tmp_path, "fleet", "list")[1]

    code, said = run(tmp_path, "install", "--painter", str(credentials))
    assert code == 0, said
    assert (etc / "painter.fleet").read_text() == credentials.read_text()
    assert "NATS_CREDENTIALS=/etc/jetbrush/painter.fleet" in (etc / "painter.env").read_text()
    assert not (etc / "jetbrush.env").exists()
    assert (tmp_path / "staged/etc/systemd/system/jetbrush-painter.service").exists()

    assert run(tmp_path, "fleet", "remove", "nano-2")[0] == 0
    assert "nano-2" not in (etc / "fleet" / "users.conf").read_text()


def test_what_is_wrong_is_refused(tmp_path):
    code, said = run(tmp_path, "fleet", "add", "nano")
    assert code != 0 and "scripts/fleet init" in said
    code, said = run(tmp_path, "fleet", "frobnicate")
    assert code != 0 and "expected init" in said
    code, said = run(tmp_path, "install", "--painter", str(ROOT / "README.md"))
    assert code != 0 and "scripts/fleet add" in said
