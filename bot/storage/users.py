"""What each user chose: language, options of style transfer, and the styles for the next photos."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace
from typing import List, Optional, Union

from bot.storage.database import Database
from bot.storage.pictures import MediaKind
from bot.storage.styles import Styles, styles_from_json, styles_to_json
from bot.stored_options import with_chosen
from runtime import StylizeOptions, VideoOptions


@dataclass(frozen=True)
class User:
    """A user: `language` is `None` until one is chosen, and `styles` is empty until then.

    options: how the user's photos are repainted, with the owner's defaults for what was not chosen.
    file_fine: the `fine` size of photos that are sent as files; `None` is that of `options`.
    """

    user_id: int
    options: StylizeOptions
    language: Optional[str] = None
    styles: Styles = ()
    file_fine: Optional[int] = None

    def options_for(self, kind: MediaKind) -> Union[StylizeOptions, VideoOptions]:
        """The options for a photo or a video that came in this way."""
        if kind.is_moving:
            colours, backend = self.options.keep_colours, self.options.backend
            return VideoOptions(keep_colours=colours, backend=backend)
        if kind is MediaKind.PHOTO or self.file_fine is None:
            return self.options
        return replace(self.options, fine=self.file_fine)


class Users:
    """The users in the database; one who never chose anything has no row.

    defaults: the owner's options; no user paints with a larger `fine` size.
    file_fine: the largest `fine` size for files. Who chose a size below the largest gets it for
        files too.
    """

    def __init__(
        self, database: Database, defaults: StylizeOptions, file_fine: Optional[int] = None
    ) -> None:
        self._database = database
        self.defaults = defaults
        self._file_fine = file_fine

    async def get(self, user_id: int) -> User:
        """The user, with the defaults for what was not chosen."""
        rows = await self._database.rows("SELECT * FROM users WHERE user_id = ?", user_id)
        if not rows:
            return User(user_id, self.defaults, file_fine=self._file_fine)
        (row,) = rows
        options = with_chosen(self.defaults, json.loads(row["options"]))
        options = replace(options, fine=min(options.fine, self.defaults.fine))
        largest = options.fine == self.defaults.fine
        return User(
            user_id,
            options,
            row["language"],
            styles_from_json(row["styles"]),
            file_fine=self._file_fine if largest else None,
        )

    async def choose_language(self, user_id: int, language: str) -> None:
        """Remember the language, `en` or `ru`."""
        await self._set(user_id, "language", language)

    async def choose_styles(self, user_id: int, styles: Styles) -> None:
        """Remember the styles for the next photos."""
        await self._set(user_id, "styles", styles_to_json(styles))

    async def choose_option(self, user_id: int, name: str, value: object) -> None:
        """Remember the value of one of the fields of `StylizeOptions`."""

        def work(connection: sqlite3.Connection) -> None:
            _ensure_row(connection, user_id)
            query = "SELECT options FROM users WHERE user_id = ?"
            (text,) = connection.execute(query, (user_id,)).fetchone()
            chosen = json.dumps({**json.loads(text), name: value}, sort_keys=True)
            update = "UPDATE users SET options = ? WHERE user_id = ?"
            connection.execute(update, (chosen, user_id))

        await self._database.run(work)

    async def forget(self, user_id: int) -> List[int]:
        """Delete every row about the user; returns the ids of the jobs that were among them."""

        def work(connection: sqlite3.Connection) -> List[int]:
            rows = connection.execute("SELECT id FROM jobs WHERE user_id = ?", (user_id,))
            jobs = [row["id"] for row in rows]
            for table in ("jobs", "pictures", "dialogue", "users"):
                connection.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))
            return jobs

        return await self._database.run(work)

    async def _set(self, user_id: int, column: str, value: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            _ensure_row(connection, user_id)
            query = f"UPDATE users SET {column} = ? WHERE user_id = ?"
            connection.execute(query, (value, user_id))

        await self._database.run(work)


def _ensure_row(connection: sqlite3.Connection, user_id: int) -> None:
    connection.execute("INSERT OR IGNORE INTO users (user_id) VALUES (?)", (user_id,))
