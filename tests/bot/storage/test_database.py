from __future__ import annotations

import struct

import pytest

from bot.errors import StoreError
from bot.storage.database import Database
from bot.storage.key_values import KeyValues


async def test_what_was_committed_is_there_after_a_restart(tmp_path):
    path = tmp_path / "state" / "jetbrush.sqlite3"
    first = await Database(path).open()
    await KeyValues(first).set("key", "value")
    await first.close()
    second = await Database(path).open()
    assert await KeyValues(second).get("key") == "value"
    await second.close()


async def test_a_transaction_that_fails_leaves_nothing(database):
    def work(connection):
        connection.execute("INSERT INTO key_values VALUES ('key', 'value')")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(work)
    assert await KeyValues(database).get("key") is None


async def test_a_file_that_may_not_be_written_is_told_with_its_name(database):
    await database.run(lambda connection: connection.execute("PRAGMA query_only = 1"))
    with pytest.raises(StoreError, match=r"jetbrush\.sqlite3.*readonly"):
        await KeyValues(database).set("key", "value")


async def test_a_full_disk_is_told_and_survived(database):
    key_values = KeyValues(database)

    def fill_up(connection):
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    await database.run(fill_up)
    with pytest.raises(StoreError, match="full"):
        await key_values.set("key", "x" * 100_000)
    await key_values.set("small", "y")
    assert await key_values.get("small") == "y"


async def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "jetbrush.sqlite3"
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 100)
    database = Database(path)
    with pytest.raises(StoreError, match="not a database"):
        await database.open()
    await database.close()


async def test_the_secret_is_made_once(database):
    key_values = KeyValues(database)
    secret = await key_values.webhook_secret()
    assert len(secret) > 30 and secret.get_secret_value() not in repr(secret)
    assert await key_values.webhook_secret() == secret


def zero_pages(path, first, count):
    """Overwrite pages of a database, as a failing card does."""
    (size,) = struct.unpack(">H", path.read_bytes()[16:18])
    with path.open("r+b") as file:
        file.seek(first * size)
        file.write(bytes(count * size))


async def test_a_damaged_file_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "jetbrush.sqlite3"
    database = await Database(path).open()
    await KeyValues(database).set("key", "x" * 50_000)
    await database.close()
    zero_pages(path, 2, 5)
    damaged = Database(path)
    with pytest.raises(
        StoreError, match=r"jetbrush\.sqlite3 is damaged.*mv jetbrush\.sqlite3"
    ) as no:
        await damaged.open()
    assert str(tmp_path) in str(no.value)
    await damaged.close()
