"""What happens to every update before its handler: language, sender, and what a button is about."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Dict, Optional

from aiogram import BaseMiddleware, Dispatcher
from aiogram.types import CallbackQuery, ErrorEvent, Message, TelegramObject
from aiogram.types import User as TelegramUser
from aiogram.utils.i18n import I18n, I18nMiddleware
from aiogram.utils.i18n import gettext as _

from bot.chat.replies import PRIVATE, stale
from bot.chat.submission import Sender
from bot.chat.texts import language_of
from bot.errors import StoreError
from bot.storage.jobs import Jobs
from bot.storage.pictures import Pictures
from bot.storage.users import User, Users

Handler = Callable[[TelegramObject, Dict[str, Any]], Awaitable[Any]]


def install(
    dispatcher: Dispatcher, *, i18n: I18n, users: Users, pictures: Pictures, jobs: Jobs
) -> None:
    """Put the middlewares in front of all handlers."""
    senders = Senders(i18n, users)
    for observer in (dispatcher.message, dispatcher.callback_query, dispatcher.errors):
        observer.outer_middleware(senders)
    dispatcher.callback_query.outer_middleware(OwnButtons())
    # An inner one: what the button carries is known only once a handler was found.
    dispatcher.callback_query.middleware(Subjects(pictures, jobs))


class Senders(I18nMiddleware):
    """Sets the user's language; handlers get it as `language`, and who asks as `sender`."""

    def __init__(self, i18n: I18n, users: Users) -> None:
        super().__init__(i18n=i18n)
        self._users = users

    async def get_locale(self, event: TelegramObject, data: Dict[str, Any]) -> str:
        """The user's language."""
        source: Optional[TelegramUser] = data.get("event_from_user")
        user: Optional[User] = None
        if source is not None:
            try:
                user = await self._users.get(source.id)
            except StoreError:
                # The handler of errors may be about to report this very failure.
                if not isinstance(event, ErrorEvent):
                    raise
        language = language_of(user, None if source is None else source.language_code)
        data["language"] = language
        if user is not None and "event_update" in data:
            data["sender"] = Sender(user, language, f"update:{data['event_update'].update_id}")
        return language


class OwnButtons(BaseMiddleware):
    """In a group, the buttons under an answer are for whom it answers."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: Dict[str, Any]) -> Any:
        """Let the button's owner through; refuse everyone else."""
        assert isinstance(event, CallbackQuery)
        message = event.message
        if isinstance(message, Message) and message.chat.type != PRIVATE:
            asked = message.reply_to_message
            asker = None if asked is None else asked.from_user
            if asker is not None and asker.id != event.from_user.id:
                return await event.answer(text=_("This button is not yours."), show_alert=True)
        return await handler(event, data)


class Subjects(BaseMiddleware):
    """Handlers of buttons get the sender's picture as `photo` and the sender's job as `job`.

    Both are `None` where the button carries none. A button whose picture or job is gone, or someone
    else's, is out of date.
    """

    def __init__(self, pictures: Pictures, jobs: Jobs) -> None:
        self._pictures = pictures
        self._jobs = jobs

    async def __call__(self, handler: Handler, event: TelegramObject, data: Dict[str, Any]) -> Any:
        """Look up what the button carries."""
        assert isinstance(event, CallbackQuery)
        button, user_id = data.get("callback_data"), event.from_user.id
        photo = job = None
        picture_id, job_id = (getattr(button, name, None) for name in ("picture", "job"))
        if picture_id is not None:
            photo = await self._pictures.get(picture_id)
            if photo is None or photo.user_id != user_id:
                return await stale(event)
        if job_id is not None:
            job = await self._jobs.get(job_id)
            if job is None or job.order.user_id != user_id:
                return await stale(event)
        data["photo"], data["job"] = photo, job
        return await handler(event, data)
