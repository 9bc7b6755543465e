"""Albums: Telegram sends one as single messages, and never says that it is complete."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Deque, Dict, List, Set, Tuple

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.fsm.storage.base import BaseStorage, StorageKey
from aiogram.types import Message
from aiogram.utils.i18n import I18n, ngettext

from bot.chat.dialogue import language_in, mode_in
from bot.chat.languages import language_of
from bot.chat.replies import reply_target, send
from bot.chat.submission import Sender, Submission, stylize_order
from bot.errors import StoreError
from bot.jobs.endings import Endings
from bot.storage.jobs import Jobs
from bot.storage.pending_sends import About, Subject
from bot.storage.pictures import Picture, Pictures
from bot.storage.users import StyleChoice, Users
from bot.telegram.error_text import error_text
from bot.telegram.lost_messages import LostMessages

_log = logging.getLogger(__name__)

#: Seconds without another part after which an album counts as complete.
QUIET = 1.0

#: Seconds to the next try while the store fails.
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

    A part that comes after the answer joins its album: the answer is taken back as far as that is
    possible, and the album is answered again.

    quiet: seconds without another part after which an album counts as complete.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        submission: Submission,
        jobs: Jobs,
        endings: Endings,
        lost_messages: LostMessages,
        pictures: Pictures,
        users: Users,
        storage: BaseStorage,
        i18n: I18n,
        quiet: float = QUIET,
    ) -> None:
        self._bot = bot
        self._submission = submission
        self._jobs = jobs
        self._endings = endings
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

    async def _answer(self, key: _Key, opened: _Open) -> int:
        """Answer the album as it is now; returns the id of the part that came last."""
        parts = await self._pictures.album(*key)
        if all(part.album_answered for part in parts):
            return 0  # forgotten meanwhile
        last = max(part.id for part in parts)
        user = await self._users.get(opened.picture.user_id)
        sender = Sender(user, opened.language, _idempotency_key(last))
        await self._take_back([part for part in parts if part.id != last])
        if len(parts) == 1:
            data = await self._storage.get_data(self._dialogue(parts[0]))
            await self._submission.receive(parts[0], sender, mode_in(data))
        elif len(parts) == 2:
            style, photo = parts
            order = stylize_order(photo, sender, StyleChoice(picture=style.id), of_album=True)
            await self._submission.order_or_say(order, photo)
        elif sum(part.album_answered for part in parts) <= 2:
            await self._ask_for_two(parts)
        self._answered.append(key)
        return last

    async def _take_back(self, parts: List[Picture]) -> None:
        """Cancel the job of these parts of the album, and delete the question about them."""
        keys = {_idempotency_key(part.id) for part in parts}
        for job in await self._jobs.active(parts[0].user_id) if parts else ():
            if job.order.idempotency_key in keys:
                await self._endings.cancel(job.id)
        for part in parts:
            try:
                await self._delete_question(part)
            except TelegramAPIError as error:
                _log.info("A question about a part of an album stays: %s", error_text(error))

    async def _delete_question(self, part: Picture) -> None:
        await self._lost_messages.clean_up(About(Subject.PICTURE, part.id))
        if part.question is not None:
            await self._bot.delete_message(chat_id=part.chat_id, message_id=part.question)
            await self._pictures.drop_question(part.id)

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


def _idempotency_key(picture_id: int) -> str:
    """The key of the order that answers an album, by the part that came last."""
    return f"album:{picture_id}"
