"""Fixtures of the bot's tests."""

from __future__ import annotations

import pytest

from bot.storage.database import Database


@pytest.fixture()
async def database(tmp_path):
    database = await Database(tmp_path / "jetbrush.sqlite3").open()
    yield database
    await database.close()
