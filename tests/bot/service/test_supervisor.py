from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace

import pytest
from aiogram.exceptions import TelegramNetworkError, TelegramUnauthorizedError
from aiogram.methods import GetMe

from bot.errors import StoreError
from bot.service import supervisor
from bot.service.supervisor import Supervisor


async def test_a_loop_that_fails_is_told_of_and_begun_again(monkeypatch, caplog):
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0)
    starts = []

    async def loop():
        starts.append(1)
        if len(starts) < 3:
            raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(Supervisor().start("tap", loop), 5)
    assert len(starts) == 3
    assert [each.getMessage()[:15] for each in caplog.records] == ["The tap failed;"] * 2


@pytest.mark.parametrize(
    "error",
    [
        TelegramUnauthorizedError(method=GetMe(), message="Unauthorized"),
        TelegramNetworkError(method=GetMe(), message="ClientConnectorError: http://x/bot1:secret"),
        StoreError("The disk is full."),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_not_the_loop_s_mistake_is_logged_in_one_line(monkeypatch, caplog, error):
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0)
    failures = [error]

    async def loop():
        if failures:
            raise failures.pop()

    await asyncio.wait_for(Supervisor().start("tap", loop), 5)
    (record,) = caplog.records
    assert record.exc_info is None and "secret" not in record.getMessage()
    assert record.getMessage().startswith("The tap failed (")


async def test_after_a_long_healthy_run_the_pause_is_short_again(monkeypatch, caplog):
    now = 0.0

    async def sleep(_seconds):
        pass

    monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(supervisor, "asyncio", SimpleNamespace(sleep=sleep))
    runs = iter([0, 0, 3600, 0])

    async def loop():
        nonlocal now
        seconds = next(runs, None)
        if seconds is not None:
            now += seconds
            raise ZeroDivisionError

    await Supervisor()._keep("tap", loop)
    pauses = [each.getMessage().split()[-2] for each in caplog.records]
    assert pauses == ["1", "2", "1", "2"]


async def test_closing_ends_the_loops_the_last_first():
    ended = []
    begun = asyncio.Event()

    def loop(name):
        async def wait():
            try:
                begun.set()
                await asyncio.Event().wait()
            finally:
                ended.append(name)

        return wait

    keeper = Supervisor()
    for name in ("first", "second"):
        begun.clear()
        keeper.start(name, loop(name))
        await begun.wait()
    await keeper.close()
    assert ended == ["second", "first"]
