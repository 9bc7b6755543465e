"""The bot's process and files are closed to the painter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bot.__main__
from bot.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent.parent

PRIVATE = """
import ctypes, subprocess, sys
from bot.process_privacy import keep_private
prctl = ctypes.CDLL(None).prctl
before = prctl(3, 0, 0, 0, 0)
keep_private()
open(sys.argv[1], "w").close()
child = [sys.executable, "-c", "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"]
print(before, prctl(3, 0, 0, 0, 0), subprocess.check_output(child).decode())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_the_process_and_its_files_are_closed_to_others(tmp_path):
    command = [sys.executable, "-c", PRIVATE, str(tmp_path / "file")]
    before, after, child = subprocess.check_output(command, cwd=str(ROOT)).split()
    # Python itself and what the bot starts may be looked into, the bot not.
    assert (before, after, child) == (b"1", b"0", b"1")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_the_bot_closes_itself_before_anything_else(monkeypatch):
    done = []

    def load(environ):
        done.append("settings")
        raise ConfigError("BOT_TOKEN is not set.")

    monkeypatch.setattr("bot.process_privacy.keep_private", lambda: done.append("private"))
    monkeypatch.setattr("bot.config.load_config", load)
    umask = os.umask(0o022)
    try:
        assert bot.__main__.main(["serve"]) != 0
    finally:
        os.umask(umask)
    assert done == ["private", "settings"]
