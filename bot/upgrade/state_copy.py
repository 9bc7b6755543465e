"""The copy of the bot's database from before an upgrade.

A release works with the tables of a newer one if the newer one's migrations allow it
(`bot.storage.schema`), and then a rollback loses nothing. Otherwise the copy takes the database's place, but only while no
photo was accepted since. The standard library alone is imported.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Dict

from bot.errors import ReleaseError
from bot.storage.schema import newest_version, oldest_reader, schema_version

#: Seconds to wait for the bot, which may be writing.
_BUSY = 30.0


def copy_database(database: Path, target: Path) -> None:
    """Copy the database, while the bot uses it, to a file that only this user can read."""
    if target.exists():
        target.unlink()
    os.close(os.open(str(target), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(_connect(database)) as source, closing(_connect(target)) as copy:
        source.backup(copy)


def can_use(release: Path, database: Path) -> bool:
    """Whether the release in that folder can work with the database as it is now."""
    if not database.exists():
        return True
    newest = newest_version(release / "bot" / "storage" / "migrations")
    with closing(_connect(database)) as connection:
        return min(schema_version(connection), oldest_reader(connection)) <= newest


def make_usable(release: Path, database: Path, copy: Path) -> None:
    """Restore the copy if the release cannot work with the database.

    Raises `ReleaseError` if there is no copy, or if photos that were accepted since would be lost.
    """
    if can_use(release, database):
        return
    problem = "The earlier release cannot read the database of the new one"
    if not copy.exists():
        raise ReleaseError(f"{problem}, so the new one stays. See its log: journalctl -u jetbrush")
    with closing(_connect(copy)) as before, closing(_connect(database)) as after:
        if _numbers(before) != _numbers(after):
            raise ReleaseError(
                f"{problem}, which has accepted photos since: they would be lost, so the new one "
                "stays. See its log: journalctl -u jetbrush"
            )
        before.backup(after)


def _numbers(connection: sqlite3.Connection) -> Dict[str, int]:
    """The last number given to a picture and to a job."""
    query = "SELECT name, seq FROM sqlite_sequence WHERE name IN ('pictures', 'jobs')"
    return dict(connection.execute(query).fetchall())


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(str(path), timeout=_BUSY)
