"""Albums: Telegram sends one as single messages, and never says that it is complete."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Deque, Dict, Set, Tuple

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramServerError,
)
from aiogram.fsm.storage.base import BaseStorage, StorageKey
from aiogram.types import Message
from aiogram.utils.i18n import I18n

from bot.chat.dialogue import language_in, mode_in
from bot.chat.languages import language_of
from bot.chat.submission import Sender, Submission
from bot.errors import StoreError
from bot.storage.pending_sends import About, Subject
from bot.storage.pictures import Picture, Pictures
from bot.storage.users import Users
from bot.telegram.error_text import error_text
from bot.telegram.lost_messages import LostMessages

_log = logging.getLogger(__name__)

#: Seconds without another part after which an album counts as complete.
QUIET = 1.0

#: Seconds to the next try while the store fails, or Telegram.
_REST = 5.0

#: How many times longer to wait for the second part: nobody sends an album of one picture.
_PATIENCE = 5

#: The albums that are remembered.
_MANY = 1000

_Key = Tuple[int, str]


@dataclass
class _Open:
    """An album whose parts may still be coming; `parts` are the ids of those that have come."""

    picture: Picture
    language: str
    quiet_since: float
    parts: Set[int] = field(default_factory=set)


class Albums:
    """Gathers the parts of albums, which are in the store, and answers each whole album.

    The parts are photos in the chosen style; where none is chosen, the bot asks once for all of them.
    A part that comes after the answer joins its album, and the album is answered again.

    quiet: seconds without another part after which an album counts as complete.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        submission: Submission,
        lost_messages: LostMessages,
        pictures: Pictures,
        users: Users,
        storage: BaseStorage,
        i18n: I18n,
        quiet: float = QUIET,
    ) -> None:
        self._bot = bot
        self._submission = submission
        self._lost_messages = lost_messages
        self._pictures = pictures
        self._users = users
        self._storage = storage
        self._i18n = i18n
        self._quiet = quiet
        self._open: Dict[_Key, _Open] = {}
        self._answered: Deque[_Key] = deque(maxlen=_MANY)
        self._refused: Deque[_Key] = deque(maxlen=_MANY)
        self._tasks: Set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Continue with the albums that were open when the bot ended."""
        for picture in await self._pictures.open_albums():
            data = await self._storage.get_data(self._dialogue(picture))
            user = await self._users.get(picture.user_id)
            self.part_arrived(picture, language_in(data) or language_of(user, None))

    def part_arrived(self, picture: Picture, language: str) -> None:
        """Note that a part of an album is in the store; the answer will be in that language."""
        assert picture.album is not None
        if picture.album_answered:
            return
        key = (picture.chat_id, picture.album)
        now = asyncio.get_running_loop().time()
        if key not in self._open:
            self._open[key] = _Open(picture, language, now)
            task = asyncio.ensure_future(self._wait_and_serve(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._open[key].quiet_since = now
        self._open[key].parts.add(picture.id)

    def is_first_refused(self, message: Message) -> bool:
        """Whether nothing was said yet of what cannot be used in the message's album, if any."""
        if message.media_group_id is None:
            return True
        key = (message.chat.id, message.media_group_id)
        if key in self._refused:
            return False
        self._refused.append(key)
        return True

    async def close(self) -> None:
        """Stop waiting; albums that are still open are answered after the next start."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _wait_and_serve(self, key: _Key) -> None:
        opened = self._open[key]
        served: Set[int] = set()
        # A part may come while the answer to the others is being sent.
        while served != opened.parts:
            await self._until_quiet(key, opened)
            served = set(opened.parts)
            await self._serve(key, opened)
        # A part that comes later than this opens the album again.
        del self._open[key]

    async def _until_quiet(self, key: _Key, opened: _Open) -> None:
        loop = asyncio.get_running_loop()
        while True:
            alone = len(opened.parts) == 1 and key not in self._answered
            patience = _PATIENCE if alone and key not in self._refused else 1
            left = opened.quiet_since + patience * self._quiet - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(min(left, self._quiet))

    async def _serve(self, key: _Key, opened: _Open) -> None:
        while True:
            try:
                with self._i18n.context(), self._i18n.use_locale(opened.language):
                    last = await self._answer(key, opened)
                return await self._pictures.close_album(*key, last)
            except (StoreError, TelegramNetworkError, TelegramServerError) as error:
                _log.error("An album waits: %s", error_text(error))
                await asyncio.sleep(_REST)
            except TelegramForbiddenError:
                _log.info("The sender of an album blocked the bot.")
                return await self._pictures.close_album(*key)
            except Exception:  # noqa: BLE001 - nobody awaits this task
                # It stays open in the store, and is tried again after the next start.
                _log.exception("An album could not be answered.")
                return None

    async def _answer(self, key: _Key, opened: _Open) -> int:
        """Answer the album as it is now; returns the id of the part that came last.

        What was ordered for the parts before stays. Where they were asked about, all are again.
        """
        parts = await self._pictures.album(*key)
        if all(part.album_answered for part in parts):
            return 0  # forgotten meanwhile
        user = await self._users.get(opened.picture.user_id)
        last = max(part.id for part in parts)
        # A question is stored with the part that came last before it.
        earlier = [part for part in parts if part.id != last]
        was_asked = any(part.question is not None for part in earlier)
        for part in earlier:
            try:
                await self._delete_question(part)
            except TelegramAPIError as error:
                _log.info("A question about a part of an album stays: %s", error_text(error))
        due = [part for part in parts if was_asked or not part.album_answered]
        sender = Sender(user, opened.language, "album")
        data = await self._storage.get_data(self._dialogue(parts[0]))
        await self._submission.receive(due, sender, mode_in(data))
        self._answered.append(key)
        return last

    async def _delete_question(self, part: Picture) -> None:
        await self._lost_messages.clean_up(About(Subject.PICTURE, part.id))
        if part.question is not None:
            await self._bot.delete_message(chat_id=part.chat_id, message_id=part.question)
            await self._pictures.drop_question(part.id)

    def _dialogue(self, picture: Picture) -> StorageKey:
        return StorageKey(bot_id=self._bot.id, chat_id=picture.chat_id, user_id=picture.user_id)
