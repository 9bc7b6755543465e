"""The jobs: rows that outlive the bot, from the photo that was accepted to the answer.

    queued -> running -> finished -> answered
      ^          |
      +----------+   handed back, or another attempt

A finished job has an outcome: `painted`, or why not. It is answered once the user was told.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, fields
from typing import Dict, List, Optional, Sequence, Tuple

from bot.errors import QueueFull, UserQueueFull
from bot.storage.database import Database
from bot.storage.users import Settings, StyleChoice

QUEUED, RUNNING, FINISHED, ANSWERED = "queued", "running", "finished", "answered"
ACTIVE = (QUEUED, RUNNING, FINISHED)

#: Outcomes; any other is the reason why there is no picture.
PAINTED, CANCELLED, FAILED = "painted", "cancelled", "failed"

MOST_ATTEMPTS = 3


@dataclass(frozen=True)
class Order:
    """What a user asks for. `picture` is the id of the photo, in whose form the result goes back.

    kind: `bot.painting.protocol.STYLIZE`, with a style, or `TRANSLATE`, with a model.
    dedupe: the same for the same wish told twice, such as an update that Telegram sends again.
    of_album: photo and style came as an album of two, and may be swapped.
    reply_to: the message that is answered, 0 for none.
    """

    dedupe: str
    user_id: int
    chat_id: int
    reply_to: int
    language: str
    kind: str
    picture: int
    settings: Settings
    style: Optional[StyleChoice] = None
    model: Optional[str] = None
    of_album: bool = False


@dataclass(frozen=True)
class Job:
    """A row of the table: an order, and how far it has come."""

    id: int
    order: Order
    state: str
    outcome: Optional[str]
    attempts: int
    status_message: Optional[int]
    created: float
    started: Optional[float]
    finished: Optional[float]


@dataclass(frozen=True)
class Limits:
    """How many jobs may wait, of one user and in all."""

    per_user: int
    in_all: int


class Jobs:
    """The jobs in the database."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    async def submit(self, order: Order) -> Tuple[Job, bool]:
        """Commit a job; returns it and whether it is new: the same order again gives the same job.

        Raises `UserQueueFull` or `QueueFull` when as many wait as there may be.
        """

        def work(connection: sqlite3.Connection) -> Tuple[sqlite3.Row, bool]:
            query = "SELECT * FROM jobs WHERE dedupe = ?"
            row = connection.execute(query, (order.dedupe,)).fetchone()
            if row is not None:
                return row, False
            self._check_limits(connection, order.user_id)
            values = {**_columns(order), "state": QUEUED, "created": time.time()}
            names = ", ".join(values)
            places = ", ".join("?" * len(values))
            connection.execute(
                f"INSERT INTO jobs ({names}) VALUES ({places})", tuple(values.values())
            )
            return connection.execute(query, (order.dedupe,)).fetchone(), True

        row, new = await self._database.run(work)
        return _job(row), new

    async def get(self, job_id: int) -> Optional[Job]:
        """The job, `None` when it was tidied away or forgotten."""
        found = await self._select("WHERE id = ?", job_id)
        return found[0] if found else None

    async def active(self, user_id: Optional[int] = None) -> List[Job]:
        """The jobs that are not answered yet, of one user or of all, oldest first."""
        states = ", ".join(f"'{state}'" for state in ACTIVE)
        if user_id is None:
            return await self._select(f"WHERE state IN ({states}) ORDER BY id")
        return await self._select(f"WHERE state IN ({states}) AND user_id = ? ORDER BY id", user_id)

    async def queue(self) -> List[Job]:
        """The queued jobs in the order in which they will be taken: the users in turn."""
        queued = await self._select(f"WHERE state = '{QUEUED}' ORDER BY id")
        return fair_order(queued, await self._database.run(_last_served)) if queued else []

    async def claim(self) -> Optional[Job]:
        """Take the next job as running, its attempt counted; `None` when none waits."""
        # One may be cancelled between the look and the update: then the next one's turn has come.
        for job in await self.queue():
            await self._update(
                job.id, QUEUED, "state = ?, attempts = attempts + 1, started = ?",
                RUNNING, time.time(),
            )  # fmt: skip
            claimed = await self.get(job.id)
            if claimed is not None and claimed.state == RUNNING:
                return claimed
        return None

    async def hand_back(self, job_id: int, *, count_attempt: bool) -> None:
        """Queue a running job again, for another attempt or as if it had never been taken."""
        back = 0 if count_attempt else 1
        await self._update(job_id, RUNNING, "state = ?, attempts = attempts - ?", QUEUED, back)

    async def recover(self) -> int:
        """Queue again what was running when the bot died, at its start.

        One that was running at each of its attempts' deaths is given up, lest it be the cause.
        Returns how many were.
        """

        def work(connection: sqlite3.Connection) -> int:
            given_up = connection.execute(
                "UPDATE jobs SET state = ?, outcome = ?, finished = ?"
                " WHERE state = ? AND attempts >= ?",
                (FINISHED, FAILED, time.time(), RUNNING, MOST_ATTEMPTS),
            ).rowcount
            connection.execute("UPDATE jobs SET state = ? WHERE state = ?", (QUEUED, RUNNING))
            return given_up

        return await self._database.run(work)

    async def finish(self, job_id: int, outcome: str) -> bool:
        """Note how a queued or running job ended; returns whether it had not ended before."""

        def work(connection: sqlite3.Connection) -> bool:
            query = (
                "UPDATE jobs SET state = ?, outcome = ?, finished = ?"
                " WHERE id = ? AND state IN (?, ?)"
            )
            values = (FINISHED, outcome, time.time(), job_id, QUEUED, RUNNING)
            return connection.execute(query, values).rowcount > 0

        return await self._database.run(work)

    async def to_answer(self) -> List[Job]:
        """The finished jobs whose users were not told yet."""
        return await self._select(f"WHERE state = '{FINISHED}' ORDER BY finished")

    async def answered(self, job_id: int) -> None:
        """Note that the user was told."""
        await self._update(job_id, FINISHED, "state = ?", ANSWERED)

    async def set_status_message(self, job_id: int, message_id: Optional[int]) -> None:
        """Remember the message that shows the job's progress."""

        def work(connection: sqlite3.Connection) -> None:
            query = "UPDATE jobs SET status_message = ? WHERE id = ?"
            connection.execute(query, (message_id, job_id))

        await self._database.run(work)

    async def move(self, chat_id: int, new_chat_id: int) -> None:
        """Follow a group that became a supergroup, where no message has the number it had."""

        def work(connection: sqlite3.Connection) -> None:
            query = (
                "UPDATE jobs SET chat_id = ?, reply_to = 0, status_message = NULL WHERE chat_id = ?"
            )
            connection.execute(query, (new_chat_id, chat_id))

        await self._database.run(work)

    def _check_limits(self, connection: sqlite3.Connection, user_id: int) -> None:
        query = "SELECT COUNT(*), SUM(user_id = ?) FROM jobs WHERE state IN (?, ?)"
        in_all, of_user = connection.execute(query, (user_id, QUEUED, RUNNING)).fetchone()
        if (of_user or 0) >= self._limits.per_user:
            raise UserQueueFull(self._limits.per_user)
        if in_all >= self._limits.in_all:
            raise QueueFull(self._limits.in_all)

    async def _select(self, where: str, *values: object) -> List[Job]:
        def work(connection: sqlite3.Connection) -> List[sqlite3.Row]:
            return connection.execute(f"SELECT * FROM jobs {where}", values).fetchall()

        return [_job(row) for row in await self._database.run(work)]

    async def _update(self, job_id: int, state: str, changes: str, *values: object) -> None:
        """Change a job if it is still in `state`: a cancelled or forgotten one stays so."""

        def work(connection: sqlite3.Connection) -> None:
            query = f"UPDATE jobs SET {changes} WHERE id = ? AND state = ?"
            connection.execute(query, (*values, job_id, state))

        await self._database.run(work)


def fair_order(waiting: Sequence[Job], last_served: Dict[int, float]) -> List[Job]:
    """Waiting jobs, oldest first, as they are taken: always of the user served longest ago.

    `last_served` is when each user's last job was started, in seconds.
    """
    rounds: Dict[int, int] = {}
    first: Dict[int, int] = {}
    keys: Dict[int, Tuple[int, float, int]] = {}
    for job in waiting:
        user = job.order.user_id
        # A user's second job comes after everybody's first, and each round is in the same order.
        rounds[user] = rounds.get(user, 0) + 1
        first.setdefault(user, job.id)
        keys[job.id] = rounds[user], last_served.get(user, 0.0), first[user]
    return sorted(waiting, key=lambda job: keys[job.id])


def _last_served(connection: sqlite3.Connection) -> Dict[int, float]:
    query = "SELECT user_id, MAX(started) FROM jobs WHERE started IS NOT NULL GROUP BY user_id"
    return {user: started for user, started in connection.execute(query)}


def _columns(order: Order) -> Dict[str, object]:
    columns = {each.name: getattr(order, each.name) for each in fields(order)}
    settings = columns.pop("settings")
    columns["style"] = None if order.style is None else str(order.style)
    return {
        **columns,
        "strength": settings.strength,
        "size": settings.size,
        "keep_colours": settings.keep_colours,
    }


def _job(row: sqlite3.Row) -> Job:
    plain = {each.name for each in fields(Order)} - {"settings", "style", "of_album"}
    order = Order(
        settings=Settings(row["strength"], row["size"], bool(row["keep_colours"])),
        style=StyleChoice.parse(row["style"]),
        of_album=bool(row["of_album"]),
        **{name: row[name] for name in plain},
    )
    own = [each.name for each in fields(Job) if each.name != "order"]
    return Job(order=order, **{name: row[name] for name in own})
