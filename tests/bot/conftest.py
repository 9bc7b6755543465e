"""Fixtures of the bot's tests."""

from __future__ import annotations

import pytest

from bot.storage.database import Database
from tests.support.fleet.nats_server import NatsServer, require_program


@pytest.fixture()
async def database(tmp_path):
    database = await Database(tmp_path / "jetbrush.sqlite3").open()
    yield database
    await database.close()


@pytest.fixture()
async def server(tmp_path):
    require_program()
    server = NatsServer(tmp_path)
    await server.start()
    yield server
    server.kill()
