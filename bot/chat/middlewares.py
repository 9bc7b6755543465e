"""What happens to every update before its handler: access, sender, language, a button's subject."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any, Awaitable, Callable, Dict, Optional, Tuple, Union

from aiogram import BaseMiddleware, Dispatcher
from aiogram.fsm.context import FSMContext
from aiogram.fsm.storage.base import StorageKey
from aiogram.types import CallbackQuery, ErrorEvent, Message, TelegramObject
from aiogram.types import User as TelegramUser
from aiogram.utils.i18n import I18n, I18nMiddleware
from aiogram.utils.i18n import gettext as _

from bot.chat.choosing import photos_of
from bot.chat.keyboards.data import Purpose
from bot.chat.languages import language_of
from bot.chat.replies import answer, stale
from bot.chat.submission import Sender
from bot.config import Config
from bot.errors import StoreError
from bot.storage.jobs import Jobs
from bot.storage.pictures import Pictures
from bot.storage.users import User, Users
from bot.telegram.identity import addressed, presser_id, sender_id

Handler = Callable[[TelegramObject, Dict[str, Any]], Awaitable[Any]]

#: Seconds until someone who may not use the bot is answered again, and how many are remembered.
_REFUSED_SECONDS, _REFUSED_MOST = 86400.0, 1000


def install(
    dispatcher: Dispatcher,
    *,
    config: Config,
    i18n: I18n,
    users: Users,
    pictures: Pictures,
    jobs: Jobs,
) -> None:
    """Put the middlewares in front of all handlers, in the order in which they run."""
    senders, access = Senders(i18n, users), Access(config)
    for observer in (dispatcher.message, dispatcher.callback_query, dispatcher.errors):
        observer.outer_middleware(Identity())
        observer.outer_middleware(senders)
    for observer in (dispatcher.message, dispatcher.callback_query):
        observer.outer_middleware(access)
    # An inner one: what the button carries is known only once a handler was found.
    dispatcher.callback_query.middleware(Subjects(pictures, jobs))


class Identity(BaseMiddleware):
    """Finds out who asks, as `sender_id`; a dialogue is that sender's in that chat."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: Dict[str, Any]) -> Any:
        """Let a button's owner through, and all messages."""
        user: Optional[TelegramUser] = data.get("event_from_user")
        identity = None if user is None else user.id
        if isinstance(event, Message):
            identity = sender_id(event)
        elif isinstance(event, CallbackQuery):
            identity = await presser_id(event, data["bot"])
            if identity is None:
                # Not this middleware's language: it is set by the next one.
                data["refused_button"] = True
        if user is not None and identity is not None and identity != user.id and "state" in data:
            await _move_dialogue(data, identity)
        data["sender_id"] = identity
        return await handler(event, data)


async def _move_dialogue(data: Dict[str, Any], identity: int) -> None:
    state: FSMContext = data["state"]
    key = StorageKey(bot_id=state.key.bot_id, chat_id=state.key.chat_id, user_id=identity)
    data["state"] = FSMContext(storage=state.storage, key=key)
    data["raw_state"] = await data["state"].get_state()


class Senders(I18nMiddleware):
    """Sets the sender's language; handlers get it as `language`, and who asks as `sender`."""

    def __init__(self, i18n: I18n, users: Users) -> None:
        super().__init__(i18n=i18n)
        self._users = users

    async def get_locale(self, event: TelegramObject, data: Dict[str, Any]) -> str:
        """The sender's language."""
        source: Optional[TelegramUser] = data.get("event_from_user")
        identity: Optional[int] = data.get("sender_id")
        user: Optional[User] = None
        if identity is not None:
            try:
                user = await self._users.get(identity)
            except StoreError:
                # The handler of errors may be about to report this very failure.
                if not isinstance(event, ErrorEvent):
                    raise
        language = language_of(user, None if source is None else source.language_code)
        data["language"] = language
        if user is not None and "event_update" in data:
            data["sender"] = Sender(user, language, f"update:{data['event_update'].update_id}")
        return language


class Access(BaseMiddleware):
    """Lets through whom the owner allows; others get one polite sentence a day.

    In a group, the buttons under an answer are for whom it answers.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._refused: OrderedDict[Tuple[int, int], float] = OrderedDict()

    async def __call__(self, handler: Handler, event: TelegramObject, data: Dict[str, Any]) -> Any:
        """Call the handler, or refuse."""
        assert isinstance(event, (Message, CallbackQuery))
        if data.get("refused_button"):
            assert isinstance(event, CallbackQuery)
            return await event.answer(text=_("This button is not yours."), show_alert=True)
        if self._is_allowed(data):
            return await handler(event, data)
        await self._refuse(event, data)

    def _is_allowed(self, data: Dict[str, Any]) -> bool:
        users, chats = self._config.allowed_users, self._config.allowed_chats
        if not users and not chats:
            return True
        user, chat = data.get("event_from_user"), data.get("event_chat")
        user_id = None if user is None else user.id
        known = user_id in users or user_id in self._config.admin_ids
        return known or (chat is not None and chat.id in chats)

    async def _refuse(self, event: Union[Message, CallbackQuery], data: Dict[str, Any]) -> None:
        text = _("I paint only for people whom my owner has invited. Please ask the owner.")
        if isinstance(event, CallbackQuery):
            await event.answer(text=text, show_alert=True)
            return
        if not await addressed(event, data["bot"]):
            return
        key, now = (event.chat.id, data["sender_id"] or 0), time.monotonic()
        last = self._refused.pop(key, None)
        if last is None or now - last > _REFUSED_SECONDS:
            await answer(event, text)
            last = now
        self._refused[key] = last
        while len(self._refused) > _REFUSED_MOST:
            self._refused.popitem(last=False)


class Subjects(BaseMiddleware):
    """Handlers of buttons get the sender's pictures as `photos` and the sender's job as `job`.

    There is none where the button carries none. A button whose picture or job is gone, or someone
    else's, is out of date.
    """

    def __init__(self, pictures: Pictures, jobs: Jobs) -> None:
        self._pictures = pictures
        self._jobs = jobs

    async def __call__(self, handler: Handler, event: TelegramObject, data: Dict[str, Any]) -> Any:
        """Look up what the button carries."""
        assert isinstance(event, CallbackQuery)
        button, user_id = data.get("callback_data"), data["sender_id"]
        job = None
        picture_id, album_id, job_id = (
            getattr(button, name, None) for name in ("picture", "album", "job")
        )
        purpose = Purpose(picture=picture_id, album=album_id)
        photos = await photos_of(purpose, user_id, self._pictures)
        if photos is None:
            return await stale(event)
        if job_id is not None:
            job = await self._jobs.get(job_id)
            if job is None or job.order.user_id != user_id:
                return await stale(event)
        data["photos"], data["job"] = photos, job
        return await handler(event, data)
