"""Messages that are being sent: rows from before the call until its answer is stored."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import Enum
from typing import List, Set

from bot.storage.database import Database

#: A chat below this number is a supergroup, which numbers its messages itself. All other chats of
#: the bot share one sequence of numbers.
_SUPERGROUPS = -1_000_000_000_000
_SHARED = 0


class Subject(str, Enum):
    """What a message is about."""

    JOB = "job"
    PICTURE = "picture"


@dataclass(frozen=True)
class About:
    """A job, whose message shows how far it is, or a picture, whose message asks what to do."""

    subject: Subject
    id: int


@dataclass(frozen=True)
class PendingSend:
    """A message that may have arrived.

    newest: the newest number before the call; 0 where none is known, as at the first start.
    markup: the message's buttons, as JSON; empty for none.
    """

    id: int
    about: About
    chat_id: int
    newest: int
    markup: str


#: Where the number of the message is kept.
_STORE = {
    Subject.JOB: "UPDATE jobs SET status_message = ? WHERE id = ?",
    Subject.PICTURE: "UPDATE pictures SET question = ? WHERE id = ?",
}


class PendingSends:
    """The pending sends in the database, and the numbers of the bot's messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, about: About, chat_id: int, markup: str, newest: int) -> PendingSend:
        """Commit that a message is about to be sent; there is a message `newest` in the chat."""

        def work(connection: sqlite3.Connection) -> PendingSend:
            query = "SELECT message_id FROM newest_messages WHERE sequence = ?"
            row = connection.execute(query, (_sequence(chat_id),)).fetchone()
            known = 0 if row is None else max(row["message_id"], newest)
            query = (
                "INSERT INTO pending_sends (subject, subject_id, chat_id, newest, markup)"
                " VALUES (?, ?, ?, ?, ?)"
            )
            values = (about.subject.value, about.id, chat_id, known, markup)
            row_id = connection.execute(query, values).lastrowid
            assert row_id is not None
            return PendingSend(row_id, about, chat_id, known, markup)

        return await self._database.run(work)

    async def confirm(self, send: PendingSend, message_id: int) -> None:
        """Store the number of the message, which arrived."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_STORE[send.about.subject], (message_id, send.about.id))
            connection.execute("DELETE FROM pending_sends WHERE id = ?", (send.id,))
            _raise_newest(connection, send.chat_id, message_id)

        await self._database.run(work)

    async def end(self, send: PendingSend) -> None:
        """Delete the row of a message that did not arrive, or that is gone."""
        await self._database.change("DELETE FROM pending_sends WHERE id = ?", send.id)

    async def about(self, about: About) -> List[PendingSend]:
        """The messages about a job or a picture that may have arrived, oldest first."""
        query = "SELECT * FROM pending_sends WHERE subject = ? AND subject_id = ? ORDER BY id"
        rows = await self._database.rows(query, about.subject.value, about.id)
        return [
            PendingSend(row["id"], about, row["chat_id"], row["newest"], row["markup"])
            for row in rows
        ]

    async def note(self, chat_id: int, message_ids: List[int]) -> None:
        """Store that the bot has sent messages of any other kind."""

        def work(connection: sqlite3.Connection) -> None:
            query = (
                "INSERT OR IGNORE INTO sent_messages SELECT ?, ?"
                " WHERE EXISTS (SELECT 1 FROM pending_sends WHERE chat_id = ?)"
            )
            connection.executemany(query, [(chat_id, each, chat_id) for each in message_ids])
            _raise_newest(connection, chat_id, max(message_ids))

        await self._database.run(work)

    async def known(self, chat_id: int) -> Set[int]:
        """The numbers of the bot's messages in a chat with a pending send, from then on."""
        query = (
            "SELECT message_id FROM sent_messages WHERE chat_id = ?"
            " UNION SELECT status_message FROM jobs WHERE chat_id = ?"
            " UNION SELECT question FROM pictures WHERE chat_id = ?"
        )
        rows = await self._database.rows(query, chat_id, chat_id, chat_id)
        return {row["message_id"] for row in rows} - {None}


def _sequence(chat_id: int) -> int:
    return chat_id if chat_id < _SUPERGROUPS else _SHARED


def _raise_newest(connection: sqlite3.Connection, chat_id: int, message_id: int) -> None:
    # SQLite 3.22 of Ubuntu 18.04 has no ON CONFLICT DO UPDATE.
    sequence = _sequence(chat_id)
    query = "INSERT OR IGNORE INTO newest_messages VALUES (?, 0)"
    connection.execute(query, (sequence,))
    query = "UPDATE newest_messages SET message_id = MAX(message_id, ?) WHERE sequence = ?"
    connection.execute(query, (message_id, sequence))
