"""The bot and a sandbox, over real HTTP."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from bot.assembly import Service
from bot.config import POLLING, WEBHOOK
from bot.sandbox import Redelivery, Sandbox
from tests.bot.doubles import FakeWorker
from tests.bot.end_to_end.stage import config_for

SOON = Redelivery(first=0.05, longest=0.2, timeout=20.0)


@pytest.fixture()
async def sandbox():
    async with Sandbox(redelivery=SOON) as sandbox:
        yield sandbox


@pytest.fixture(params=[WEBHOOK, POLLING])
def mode(request):
    return request.param


@pytest.fixture()
async def worker():
    return FakeWorker()


@pytest.fixture()
async def service(sandbox, worker, mode, tmp_path):
    """The whole bot in this process, painting with `worker`."""
    async with running(config_for(sandbox, tmp_path / "state", mode=mode), worker) as service:
        yield service


@asynccontextmanager
async def running(config, worker, **parts):
    service = Service(config, worker=worker, **{"edit_interval": 0.05, **parts})
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
