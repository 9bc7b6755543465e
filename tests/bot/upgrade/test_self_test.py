"""What a new release tries before it is taken into use."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bot.upgrade import self_test
from bot.upgrade.self_test import checks, main, run


@pytest.fixture()
def environment(tmp_path):
    return {"BOT_TOKEN": "42:a-token", "STATE_DIR": str(tmp_path / "state")}


def by_name(environment, folder, *, painter=False):
    folder.mkdir()
    return {check[0]: check for check in checks(environment, folder, painter=painter)}


def test_a_wrong_setting_and_a_newer_database_are_found_before_the_switch(environment, tmp_path):
    database = Path(environment["STATE_DIR"]) / "jetbrush.sqlite3"
    database.parent.mkdir()
    with sqlite3.connect(str(database)) as connection:
        connection.execute("CREATE TABLE key_values (key TEXT, value TEXT)")
        connection.execute("INSERT INTO key_values VALUES ('oldest_reader', '99')")
        connection.execute("PRAGMA user_version = 99")
    before = database.read_bytes()
    found = by_name({**environment, "PORT": "many"}, tmp_path / "work")
    assert "PORT is 'many'" in run(found["settings"], None)
    assert "has version 99" in run(found["database"], None)
    assert database.read_bytes() == before


def test_without_a_token_the_settings_are_not_tried(environment, tmp_path):
    del environment["BOT_TOKEN"]
    found = by_name(environment, tmp_path / "work")
    assert list(found) == ["imports", "doctor", "painting"]


def test_a_bot_whose_machine_does_not_paint_needs_nothing_to_paint_with(environment, tmp_path):
    found = by_name({**environment, "LOCAL_PAINTER": "No"}, tmp_path / "work")
    assert list(found) == ["imports", "settings"]


def test_a_painter_needs_its_credentials_and_no_token(environment, tmp_path):
    del environment["BOT_TOKEN"]
    file = tmp_path / "painter.fleet"
    environment["NATS_CREDENTIALS"] = str(file)
    found = by_name(environment, tmp_path / "work", painter=True)
    assert list(found) == ["imports", "settings", "doctor", "painting"]
    assert f"{file} cannot be read" in run(found["settings"], None)
    file.write_text("NATS_USER=nano\nNATS_URL=tls://192.168.1.20:4222\n")
    assert run(found["settings"], None) == run(found["imports"], None) == ""


def test_a_board_does_not_paint_on_the_gpu_that_the_running_bot_uses(
    environment, tmp_path, monkeypatch
):
    monkeypatch.setattr(self_test, "is_jetson", lambda: True)
    (_, painting, _) = by_name(environment, tmp_path / "work")["painting"]
    assert painting[-2:] == ["--backend", "onnxrt"]


def test_a_check_that_crashes_is_a_finding():
    assert "exit code -11" in run(
        ("crash", ["-c", "import os; os.kill(os.getpid(), 11)"], {}), None
    )


def test_a_python_that_the_service_may_not_run_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(self_test.sys, "executable", str(tmp_path))
    said = run(("imports", ["-c", ""], {}), None)
    assert f"cannot run {tmp_path}" in said and "PYTHON=/usr/bin/python3" in said


def test_it_stops_at_the_first_failure_and_shows_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(
        self_test,
        "checks",
        lambda environment, folder, painter: iter(
            [("good", ["-c", ""], {}), ("bad", ["-c", "raise SystemExit('why')"], {})]
        ),
    )
    assert main(["--settings", str(tmp_path / "none")]) == 1
    said = capsys.readouterr().out
    assert "ok      good" in said and "failed  bad" in said and "why" in said
