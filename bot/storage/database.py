"""The one SQLite file that holds the bot's state, on a thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, List, Optional, TypeVar

from bot.errors import StoreError
from bot.storage.schema import migrate

Result = TypeVar("Result")

#: The file's name in the folder of the state.
FILE_NAME = "jetbrush.sqlite3"

#: Seconds to wait for another process that holds the file, such as a backup.
_BUSY = 5.0


class Database:
    """One connection, used by one thread, so that neither the loop nor a lock is waited for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._connection: Optional[sqlite3.Connection] = None

    async def open(self) -> Database:
        """Open the file, made if it is not there, with its tables brought up to date.

        Raises `StoreError` for a file that another program or a newer release wrote, or that
        cannot be written.
        """
        await self._on_thread(self._open)
        return self

    async def rows(self, query: str, *values: object) -> List[sqlite3.Row]:
        """The rows of one query, in a transaction of its own; raises `StoreError` like `run`."""
        return await self.run(lambda connection: connection.execute(query, values).fetchall())

    async def change(self, query: str, *values: object) -> int:
        """Execute one statement in a transaction of its own; returns how many rows it changed."""
        return await self.run(lambda connection: connection.execute(query, values).rowcount)

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do `work` in one transaction: committed when this returns, undone when it raises.

        Raises `StoreError` when the file cannot be read or written.
        """
        return await self._on_thread(lambda: self._transaction(work))

    async def close(self) -> None:
        """Close the file; what was started before is finished first."""
        await self._on_thread(self._close)
        self._executor.shutdown()

    async def _on_thread(self, work: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, work)
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{self.path} cannot be used ({error}). See that its disk has room, that its "
                "folder may be written by the bot, and that no other program holds it."
            ) from error

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.path.parent} cannot be made ({error.strerror}).") from error
        connection = sqlite3.connect(str(self.path), timeout=_BUSY, isolation_level=None)
        self._connection = connection
        connection.row_factory = sqlite3.Row
        self._check(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL would lose the last commits when the power goes: jobs that Telegram knows to be accepted.
        connection.execute("PRAGMA synchronous = FULL")
        self._transaction(lambda connection: migrate(connection, self.path))

    def _check(self, connection: sqlite3.Connection) -> None:
        """Raise `StoreError` for a damaged file: later it would fail in the middle of an update."""
        try:
            (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            finding = str(error)
        if finding != "ok":
            name = self.path.name
            raise StoreError(
                f"{self.path} is damaged ({' '.join(finding.split())}). Restore a backup, or move it "
                f"away and lose what it holds: `cd {self.path.parent} && mv {name} {name}.damaged && "
                f"rm -f {name}-wal {name}-shm`."
            )

    def _transaction(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        assert self._connection is not None, "open() comes first"
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
            return result
        except BaseException:
            # SQLite ends the transaction itself on some errors, a full disk among them.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
