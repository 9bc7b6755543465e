"""Brings the tables of a database up to date: numbered SQL files, each applied once, in order.

`migrations/NNNN_name.sql` takes a database from version NNNN - 1 to NNNN; SQLite's `user_version`
holds the version. A published migration is never changed: the next change is the next file.

An upgrade may be taken back, and then the release before works with the newer tables. So a migration
keeps each table and column with its meaning, and a new column may be NULL or has a default. One that
cannot do so ends with `UPDATE key_values SET value = 'NNNN' WHERE key = 'oldest_reader'`.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from pathlib import Path
from typing import Dict, Iterator

from bot.errors import StoreError

MIGRATIONS = Path(__file__).resolve().parent / "migrations"

_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")
#: The migration that stores which releases can work with the database.
_FIRST_WITH_READER = 9

_log = logging.getLogger(__name__)


def migrate(connection: sqlite3.Connection, path: Path, folder: Path = MIGRATIONS) -> None:
    """Apply the migrations that the database at `path` lacks, inside the caller's transaction.

    Raises `StoreError` for a database of a newer release that this one cannot work with.
    """
    version = schema_version(connection)
    migrations = _migrations(folder)
    newest = max(migrations)
    if version > newest:
        if oldest_reader(connection) > newest:
            raise StoreError(
                f"{path} has version {version}; this release reads up to version {newest}. Start "
                "the release that wrote it, or move the file away to start with an empty one."
            )
        _log.warning("%s is of a newer release, whose tables this one can use.", path)
    for number in range(version + 1, newest + 1):
        # executescript() would commit the caller's transaction.
        for statement in _statements(migrations[number].read_text(encoding="utf-8")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


def schema_version(connection: sqlite3.Connection) -> int:
    """The number of the last migration that the database has; 0 for an empty one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def oldest_reader(connection: sqlite3.Connection) -> int:
    """The lowest version whose release can work with the database."""
    version = schema_version(connection)
    if version < _FIRST_WITH_READER:
        return version
    query = "SELECT value FROM key_values WHERE key = 'oldest_reader'"
    (oldest,) = connection.execute(query).fetchone()
    return int(oldest)


def newest_version(folder: Path = MIGRATIONS) -> int:
    """The version to which the migrations in `folder` bring a database."""
    return max(_migrations(folder))


def _migrations(folder: Path) -> Dict[int, Path]:
    """The files by their number; the numbers run from 1 without a gap."""
    matches = ((_FILE_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    found = {int(match[1]): path for match, path in matches if match}
    assert sorted(found) == list(range(1, len(found) + 1)), f"{folder} lacks a number: {found}"
    return found


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip() or statement.lstrip().startswith("--"), statement
