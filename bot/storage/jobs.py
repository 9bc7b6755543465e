"""The jobs: rows that outlive the bot, from the photo that was accepted to the answer.

    queued -> running -> finished -> answered
      ^          |
      +----------+   handed back, or another attempt

A finished job has an ending. It is answered once the user has the picture or the reason.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from enum import Enum
from typing import Collection, Dict, List, Optional, Sequence, Tuple

from bot.errors import QueueFull, UserQueueFull
from bot.outcomes import FAILED, Ending, Outcome, PictureRole, Reason, Refusal
from bot.storage.database import Database
from bot.storage.orders import Order, columns_of, order_of

MOST_ATTEMPTS = 3

#: SQLite before 3.32 takes at most 999 values in a statement.
_MOST_VALUES = 900


class JobState(str, Enum):
    """How far a job has come."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    ANSWERED = "answered"


ACTIVE = (JobState.QUEUED, JobState.RUNNING, JobState.FINISHED)


@dataclass(frozen=True)
class Job:
    """A row of the table: an order, and how far it has come. Times are seconds since 1970."""

    id: int
    order: Order
    state: JobState
    ending: Optional[Ending]
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
            query = "SELECT * FROM jobs WHERE idempotency_key = ?"
            key = (order.idempotency_key,)
            row = connection.execute(query, key).fetchone()
            if row is not None:
                return row, False
            self._check_limits(connection, order.user_id)
            values = {**columns_of(order), "state": JobState.QUEUED.value, "created": time.time()}
            names = ", ".join(values)
            places = ", ".join("?" * len(values))
            connection.execute(
                f"INSERT INTO jobs ({names}) VALUES ({places})", tuple(values.values())
            )
            return connection.execute(query, key).fetchone(), True

        row, new = await self._database.run(work)
        return _job(row), new

    async def get(self, job_id: int) -> Optional[Job]:
        """The job, `None` when it was cleaned up or forgotten."""
        found = await self._select("WHERE id = ?", job_id)
        return found[0] if found else None

    async def active(self, user_id: Optional[int] = None) -> List[Job]:
        """The jobs that are not answered yet, of one user or of all, oldest first."""
        states = ", ".join(f"'{state.value}'" for state in ACTIVE)
        if user_id is None:
            return await self._select(f"WHERE state IN ({states}) ORDER BY id")
        return await self._select(f"WHERE state IN ({states}) AND user_id = ? ORDER BY id", user_id)

    async def queue(self) -> List[Tuple[int, int]]:
        """The id and the user of each queued job, oldest first."""
        rows = await self._database.rows(
            "SELECT id, user_id FROM jobs WHERE state = ? ORDER BY id", JobState.QUEUED.value
        )
        return [(job, user) for job, user in rows]

    async def queued(self, ids: Sequence[int]) -> List[Job]:
        """Those of the jobs `ids` that are queued, in the order of `ids`."""
        found: Dict[int, Job] = {}
        for begin in range(0, len(ids), _MOST_VALUES):
            part = ids[begin : begin + _MOST_VALUES]
            places = ", ".join("?" * len(part))
            jobs = await self._select(
                f"WHERE state = ? AND id IN ({places})", JobState.QUEUED.value, *part
            )
            found.update((job.id, job) for job in jobs)
        return [found[job] for job in ids if job in found]

    async def last_turns(self) -> Dict[int, int]:
        """The number of each user's last turn; turns are counted, as a clock may jump."""
        rows = await self._database.rows(
            "SELECT user_id, MAX(turn) FROM jobs WHERE turn IS NOT NULL GROUP BY user_id"
        )
        return {user: turn for user, turn in rows}

    async def last_seed(self, picture_id: int) -> int:
        """The largest seed with which a photo was painted or is to be, -1 if there is no job."""
        query = "SELECT MAX(json_extract(options, '$.seed')) AS seed FROM jobs WHERE picture = ?"
        (row,) = await self._database.rows(query, picture_id)
        return -1 if row["seed"] is None else int(row["seed"])

    async def take(self, job_id: int) -> Optional[Job]:
        """Mark a queued job as running, its attempt counted; `None` if it is no longer queued."""
        await self._update(
            job_id,
            JobState.QUEUED,
            "state = ?, attempts = attempts + 1, started = ?,"
            " turn = (SELECT COALESCE(MAX(turn), 0) + 1 FROM jobs)",
            JobState.RUNNING.value,
            time.time(),
        )
        job = await self.get(job_id)
        return job if job is not None and job.state is JobState.RUNNING else None

    async def hand_back(self, job_id: int, *, count_attempt: bool, keep_turn: bool = True) -> None:
        """Queue a running job again, for another attempt or as if it had never been taken.

        Its user's turn is over all the same, unless `keep_turn` is false.
        """
        back = 0 if count_attempt else 1
        changes = "state = ?, attempts = attempts - ?"
        if not keep_turn:
            changes += ", turn = NULL"
        await self._update(job_id, JobState.RUNNING, changes, JobState.QUEUED.value, back)

    async def recover(self, besides: Collection[int] = ()) -> int:
        """Queue again what was running when the bot died, at its start.

        `besides` are the jobs that still run, after a failure of the store.

        A job that was running each time the bot died is given up, as it may be the cause. Returns
        how many were given up.
        """
        running, queued = JobState.RUNNING.value, JobState.QUEUED.value

        where = f"state = ? AND id NOT IN ({', '.join('?' * len(besides))})"
        whose = (running, *besides)

        def work(connection: sqlite3.Connection) -> int:
            given_up = connection.execute(
                f"UPDATE jobs SET {_FINISH} WHERE {where} AND attempts >= ?",
                (*_finish_values(FAILED), *whose, MOST_ATTEMPTS),
            ).rowcount
            connection.execute(f"UPDATE jobs SET state = ? WHERE {where}", (queued, *whose))
            return given_up

        return await self._database.run(work)

    async def finish(self, job_id: int, ending: Ending) -> bool:
        """Store how a queued or running job ended; returns whether it had not ended before."""
        changed = await self._database.change(
            f"UPDATE jobs SET {_FINISH} WHERE id = ? AND state IN (?, ?)",
            *_finish_values(ending),
            job_id,
            JobState.QUEUED.value,
            JobState.RUNNING.value,
        )
        return changed > 0

    async def answered(self, job_id: int) -> None:
        """Store that the user has the picture or the reason."""
        await self._update(job_id, JobState.FINISHED, "state = ?", JobState.ANSWERED.value)

    async def move(self, chat_id: int, new_chat_id: int) -> None:
        """Follow a group that became a supergroup, where no message keeps its number."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE jobs SET chat_id = ?, reply_to = 0, topic = NULL, status_message = NULL"
                " WHERE chat_id = ?",
                (new_chat_id, chat_id),
            )
            connection.execute("DELETE FROM pending_sends WHERE chat_id = ?", (chat_id,))

        await self._database.run(work)

    def _check_limits(self, connection: sqlite3.Connection, user_id: int) -> None:
        query = "SELECT COUNT(*), SUM(user_id = ?) FROM jobs WHERE state IN (?, ?)"
        values = (user_id, JobState.QUEUED.value, JobState.RUNNING.value)
        in_all, of_user = connection.execute(query, values).fetchone()
        if (of_user or 0) >= self._limits.per_user:
            raise UserQueueFull(self._limits.per_user)
        if in_all >= self._limits.in_all:
            raise QueueFull(self._limits.in_all)

    async def _select(self, where: str, *values: object) -> List[Job]:
        query = f"SELECT * FROM jobs {where}"
        # On the database's thread: a thousand rows would hold up the event loop.
        return await self._database.run(
            lambda connection: [_job(row) for row in connection.execute(query, values)]
        )

    async def _update(self, job_id: int, state: JobState, changes: str, *values: object) -> None:
        """Change a job if it is still in `state`: a cancelled or forgotten one stays so."""
        query = f"UPDATE jobs SET {changes} WHERE id = ? AND state = ?"
        await self._database.change(query, *values, job_id, state.value)


_FINISH = "state = ?, outcome = ?, refused_picture = ?, refusal_reason = ?, finished = ?"


def _finish_values(ending: Ending) -> Tuple[object, ...]:
    """What the places in `_FINISH` stand for."""
    refusal = ending.refusal
    picture = None if refusal is None else refusal.picture.value
    reason = None if refusal is None else refusal.reason.value
    return JobState.FINISHED.value, ending.outcome.value, picture, reason, time.time()


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        order=order_of(row),
        state=JobState(row["state"]),
        ending=ending_of(row),
        attempts=row["attempts"],
        status_message=row["status_message"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
    )


def ending_of(row: sqlite3.Row) -> Optional[Ending]:
    """The ending in the columns of a row, `None` for a job that has not ended."""
    if row["outcome"] is None:
        return None
    if row["refusal_reason"] is None:
        return Ending(Outcome(row["outcome"]))
    refusal = Refusal(PictureRole(row["refused_picture"]), Reason(row["refusal_reason"]))
    return Ending(Outcome(row["outcome"]), refusal)
