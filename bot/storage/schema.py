"""Brings the tables of a database up to date: numbered SQL files, each applied once, in order.

`migrations/NNNN_name.sql` takes a database from version NNNN - 1 to NNNN; SQLite's `user_version`
holds the version. A published migration is never changed: the next change is the next file.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Dict, Iterator

from bot.errors import StoreError

MIGRATIONS = Path(__file__).resolve().parent / "migrations"

_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")


def migrate(connection: sqlite3.Connection, path: Path, folder: Path = MIGRATIONS) -> None:
    """Apply the migrations that the database at `path` lacks, inside the caller's transaction.

    Raises `StoreError` for a database that a newer release wrote.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    migrations = _migrations(folder)
    newest = max(migrations)
    if version > newest:
        raise StoreError(
            f"{path} has version {version}; this release reads up to version {newest}. Start the "
            "release that wrote it, or move the file away to start with an empty one."
        )
    for number in range(version + 1, newest + 1):
        # executescript() would commit the caller's transaction.
        for statement in _statements(migrations[number].read_text(encoding="utf-8")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


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
