"""What `python -m bot painter --check` says."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone

import pytest

from bot.painting.fleet.credentials import validity
from bot.painting.fleet.link import Link
from bot.painting.painters import Needs
from bot.painting.server.setup import Setup
from bot.tools import painter_check
from bot.tools.painter_check import check, examine_credentials
from runtime.machine.findings import MISSING, OK, Finding
from tests.support.bot.stage import free_port
from tests.support.fleet.painters import Office


@pytest.fixture(autouse=True)
def doctor(monkeypatch):
    """What the doctor finds, at once; add to it."""
    found = [Finding("painting", OK, "on openvino")]
    monkeypatch.setattr(painter_check.doctor, "examine", lambda engines: iter(found))
    return found


async def test_a_painter_that_could_paint_says_with_what(server, tmp_path, capsys):
    office = Office(server.url, tmp_path)
    await office.open()
    office.hire("other")
    await office.paint()
    assert await check(Link(server.url, "nano"), tmp_path, None) == 0
    said = capsys.readouterr().out
    for words in ("nano", "accepts it", "The bot answers.", "GB of memory", "on openvino"):
        assert words in said, said
    # For the bot it is none that has started.
    assert office.fleet.able(Needs()) == ["other"]
    await office.close()


async def test_without_a_bot_a_painter_waits(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(painter_check, "REQUEST", 0.2)
    assert await check(Link(server.url, "nano"), tmp_path, None) == 0
    assert "The bot does not answer." in capsys.readouterr().out


async def test_without_a_server_it_says_why_and_looks_at_the_rest(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(painter_check, "CONNECTING", 0.5)
    assert await check(Link(f"nats://127.0.0.1:{free_port()}", "nano"), tmp_path, None) == 1
    said = capsys.readouterr().out
    assert "missing server" in said and "Connect call failed" in said and "on openvino" in said


async def test_without_anything_to_paint_with_it_is_no_painter(server, tmp_path, doctor):
    doctor.append(Finding("classic", MISSING, "no graph"))
    assert await check(Link(server.url, "nano"), tmp_path, None) == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_credentials_that_end_and_a_clock_that_is_wrong_are_said(tmp_path):
    setup, path = Setup(tmp_path / "fleet"), tmp_path / "nano.fleet"
    setup.init("127.0.0.1", store=tmp_path, disk=1, port=4222)
    setup.add("nano", path)
    begin, end = validity(path)
    assert begin <= datetime.now(timezone.utc) < end
    told = {
        begin + timedelta(days=1): ["ok clock", "ok credentials"],
        end - timedelta(days=30): ["ok clock", "note credentials"],
        end + timedelta(days=1): ["ok clock", "missing credentials"],
        # A board without a battery, before it has asked the network.
        datetime(1970, 1, 1, tzinfo=timezone.utc): ["missing clock"],
    }
    for now, expected in told.items():
        found = examine_credentials(path, now)
        assert [f"{each.state} {each.topic}" for each in found] == expected
