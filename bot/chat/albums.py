"""Albums: Telegram sends one as single messages, and never says that it is complete."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Deque, Dict, List, Set, Tuple

from aiogram import Bot
from aiogram.exceptions import TelegramForbiddenError
from aiogram.fsm.storage.base import BaseStorage, StorageKey
from aiogram.types import Message
from aiogram.utils.i18n import I18n, ngettext

from bot.chat.dialogue import language_in, mode_in
from bot.chat.languages import language_of
from bot.chat.replies import reply_target, send
from bot.chat.submission import Sender, Submission, stylize_order
from bot.errors import StoreError
from bot.storage.pictures import Picture, Pictures
from bot.storage.users import StyleChoice, Users

_log = logging.getLogger(__name__)

#: Seconds without another part after which an album counts as complete.
QUIET = 1.0

#: Seconds to the next try while the store fails.
_REST = 5.0

#: Albums that may arrive at the same time.
_MANY = 100

_Key = Tuple[int, str]


@dataclass
class _Open:
    """An album whose parts may still be coming."""

    picture: Picture
    language: str
    quiet_since: float


class Albums:
    """Gathers the parts of albums, which are in the store, and answers each whole album.

    quiet: seconds without another part after which an album counts as complete.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        submission: Submission,
        pictures: Pictures,
        users: Users,
        storage: BaseStorage,
        i18n: I18n,
        quiet: float = QUIET,
    ) -> None:
        self._bot = bot
        self._submission = submission
        self._pictures = pictures
        self._users = users
        self._storage = storage
        self._i18n = i18n
        self._quiet = quiet
        self._open: Dict[_Key, _Open] = {}
        self._refused: Deque[_Key] = deque(maxlen=_MANY)
        self._tasks: Set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Go on with the albums that were open when the bot ended."""
        for picture in await self._pictures.open_albums():
            data = await self._storage.get_data(self._dialogue(picture))
            user = await self._users.get(picture.user_id)
            self.part_arrived(picture, language_in(data) or language_of(user, None))

    def part_arrived(self, picture: Picture, language: str) -> None:
        """Note that a part of an album is in the store; the answer will be in that language."""
        assert picture.album is not None
        key = (picture.chat_id, picture.album)
        now = asyncio.get_running_loop().time()
        if key in self._open:
            self._open[key].quiet_since = now
            return
        self._open[key] = _Open(picture, language, now)
        task = asyncio.ensure_future(self._wait_and_serve(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        loop = asyncio.get_running_loop()
        left = self._quiet
        while left > 0:
            await asyncio.sleep(left)
            left = self._open[key].quiet_since + self._quiet - loop.time()
        # A part that comes later than this opens the album again.
        await self._serve(key, self._open.pop(key))

    async def _serve(self, key: _Key, opened: _Open) -> None:
        while True:
            try:
                with self._i18n.context(), self._i18n.use_locale(opened.language):
                    await self._answer(*key, opened)
                return await self._pictures.close_album(*key)
            except StoreError as error:
                _log.error("An album waits: %s", error)
                await asyncio.sleep(_REST)
            except TelegramForbiddenError:
                _log.info("The sender of an album blocked the bot.")
                return await self._pictures.close_album(*key)
            except Exception:  # noqa: BLE001 - nobody awaits this task
                # It stays open in the store, and is tried again after the next start.
                _log.exception("An album could not be answered.")
                return None

    async def _answer(self, chat_id: int, album: str, opened: _Open) -> None:
        parts = await self._pictures.album(chat_id, album)
        if not parts:
            return  # forgotten meanwhile
        user = await self._users.get(opened.picture.user_id)
        sender = Sender(user, opened.language, f"album:{parts[-1].id}")
        if len(parts) == 1:
            data = await self._storage.get_data(self._dialogue(parts[0]))
            await self._submission.receive(parts[0], sender, mode_in(data))
        elif len(parts) == 2:
            style, photo = parts
            order = stylize_order(photo, sender, StyleChoice(picture=style.id), of_album=True)
            await self._submission.order_or_say(order, photo)
        else:
            await self._ask_for_two(parts)

    async def _ask_for_two(self, parts: List[Picture]) -> None:
        text = ngettext(
            "There is {n} picture in this album. Please send two: the first is the style, the "
            "second is the photo to repaint.",
            "There are {n} pictures in this album. Please send two: the first is the style, the "
            "second is the photo to repaint.",
            len(parts),
        ).format(n=len(parts))
        await send(self._bot, reply_target(parts[0]), text)

    def _dialogue(self, picture: Picture) -> StorageKey:
        return StorageKey(bot_id=self._bot.id, chat_id=picture.chat_id, user_id=picture.user_id)
