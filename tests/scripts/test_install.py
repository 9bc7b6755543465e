"""scripts/install and scripts/uninstall, staged under a folder or as a dry run."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = {
    "BOT_TOKEN": "42:abc_DEF-ghi",
    "NGROK_AUTHTOKEN": "2xyz",
    "NGROK_DOMAIN": "owl.ngrok.app",
}
#: Elsewhere than on a Jetson the installer wants a newer Python than the Jetson's.
needs_39 = pytest.mark.skipif(sys.version_info < (3, 9), reason="the installer wants Python 3.9")
SCRIPTS = ["scripts/install", "scripts/uninstall", "scripts/ngrok-bootstrap", ".ci/run"]


def run(script, *options, **environment):
    """A script's exit code and all that it says."""
    clean = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    clean["PYTHON"] = sys.executable
    done = subprocess.run(
        [str(ROOT / "scripts" / script), *options],
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def stage(folder, **settings):
    code, said = run("install", DESTDIR=str(folder), **settings)
    assert code == 0, said
    return said


@needs_39
def test_staged_files_lie_where_the_units_look_for_them(tmp_path):
    stage(tmp_path, **SETTINGS)
    app = tmp_path / "opt/jetbrush"
    for name in ("bot/__main__.py", "runtime/gatys.py", "styles/index.json", "requirements.txt"):
        assert (app / name).is_file()
    assert not list(app.rglob("__pycache__")) and not (app / "tests").exists()
    units = tmp_path / "etc/systemd/system"
    assert (units / "jetbrush.service").read_bytes() == (
        ROOT / "systemd/jetbrush.service"
    ).read_bytes()
    assert (units / "jetbrush.service.d/jetbrush-239.conf").exists()


@needs_39
def test_environment_file_is_made_of_the_variables_and_closed_to_others(tmp_path):
    stage(tmp_path, **SETTINGS)
    file = tmp_path / "etc/jetbrush/jetbrush.env"
    lines = file.read_text().splitlines()
    assert {f"{name}={value}" for name, value in SETTINGS.items()} <= set(lines)
    assert {"MODE=webhook", "WEBHOOK_URL_FILE=/run/jetbrush-ngrok/url"} <= set(lines)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@needs_39
def test_without_ngrok_the_bot_polls(tmp_path):
    stage(tmp_path, BOT_TOKEN="42:abc")
    assert "MODE=polling" in (tmp_path / "etc/jetbrush/jetbrush.env").read_text()


@needs_39
def test_second_run_upgrades_and_keeps_what_is_the_owner_s(tmp_path):
    stage(tmp_path, **SETTINGS)
    app, settings = tmp_path / "opt/jetbrush", tmp_path / "etc/jetbrush/jetbrush.env"
    settings.write_text("BOT_TOKEN=43:mine\n")
    for name in ("bot/left_over.py", "styles/owl.jpg", "engines/x.plan", "export/weights/x.npz"):
        (app / name).write_text("mine")
    said = stage(tmp_path, **SETTINGS)
    assert "stays as it is" in said
    assert settings.read_text() == "BOT_TOKEN=43:mine\n"
    assert not (app / "bot/left_over.py").exists()
    for name in ("styles/owl.jpg", "engines/x.plan", "export/weights/x.npz"):
        assert (app / name).read_text() == "mine"


@needs_39
def test_dry_run_shows_every_step_and_does_none(tmp_path):
    code, said = run("install", "--dry-run", DESTDIR=str(tmp_path / "root"), **SETTINGS)
    assert code == 0, said
    assert not list(tmp_path.iterdir())
    for step in ("== The machine", "== What comes now", "== Files", "== Settings", "== Units"):
        assert step in said
    assert "+ cp -R" in said and SETTINGS["BOT_TOKEN"] not in said


@needs_39
@pytest.mark.parametrize("value", ["4 2", "a;b", "$(id)", "x'y", "é"])
def test_strange_values_are_refused(tmp_path, value):
    code, said = run("install", DESTDIR=str(tmp_path), BOT_TOKEN=value)
    assert code == 1
    assert "BOT_TOKEN holds characters that no such value has" in said
    assert not (tmp_path / "etc/jetbrush/jetbrush.env").exists()


def test_unknown_option_is_refused_with_the_usage(tmp_path):
    for script in ("install", "uninstall"):
        code, said = run(script, "--fast", DESTDIR=str(tmp_path))
        assert code == 1
        assert "Usage: sudo scripts/" in said and "there is no option --fast" in said


def test_too_old_python_is_refused(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" != --version ] || echo Python 3.6.9\n[ "$1" = --version ]\n')
    old.chmod(0o755)
    code, said = run("install", DESTDIR=str(tmp_path / "root"), PYTHON=str(old))
    assert code == 1
    assert "Python 3.6.9 is too old" in said and "say which with PYTHON=" in said


def test_only_root_may_install(tmp_path):
    # Unless root looks for itself: then `id` says that it is somebody else.
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    code, said = run("install", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert code == 1
    assert "this needs root: run it with sudo" in said and "--dry-run" in said


@needs_39
def test_uninstall_removes_the_files_and_keeps_settings_unless_purged(tmp_path):
    stage(tmp_path, **SETTINGS)
    own = tmp_path / "etc/systemd/system/jetbrush.service.d/own.conf"
    own.write_text("[Service]\n")
    code, said = run("uninstall", DESTDIR=str(tmp_path))
    assert code == 0, said
    assert not (tmp_path / "opt/jetbrush").exists()
    assert [each for each in tmp_path.rglob("*jetbrush*") if each.is_file()] == [
        tmp_path / "etc/jetbrush/jetbrush.env"
    ]
    assert own.exists()
    code, said = run("uninstall", "--purge", DESTDIR=str(tmp_path))
    assert code == 0, said
    assert not (tmp_path / "etc/jetbrush").exists()


def test_ngrok_bootstrap_says_what_is_missing(tmp_path):
    script = tmp_path / "scripts" / "ngrok-bootstrap"
    script.parent.mkdir()
    shutil.copy(str(ROOT / "scripts" / "ngrok-bootstrap"), str(script))
    done = subprocess.run([str(script)], stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert "run `make setup` or `sudo make install`" in done.stderr.decode()


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing():
    done = subprocess.run(
        ["shellcheck", "--external-sources", *SCRIPTS],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()
