"""What happens to every update before its handler: the language, and whose button it is."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Dict, Optional

from aiogram import BaseMiddleware, Dispatcher
from aiogram.types import CallbackQuery, ErrorEvent, Message, TelegramObject
from aiogram.types import User as Sender
from aiogram.utils.i18n import I18n, I18nMiddleware
from aiogram.utils.i18n import gettext as _

from bot.chat.replies import PRIVATE
from bot.chat.texts import language_of
from bot.errors import StoreError
from bot.storage.users import User, Users

Handler = Callable[[TelegramObject, Dict[str, Any]], Awaitable[Any]]


def install(dispatcher: Dispatcher, *, i18n: I18n, users: Users) -> None:
    """Put the middlewares in front of all handlers."""
    language = Language(i18n, users)
    for observer in (dispatcher.message, dispatcher.callback_query, dispatcher.errors):
        observer.outer_middleware(language)
    dispatcher.callback_query.outer_middleware(OwnButtons())


class Language(I18nMiddleware):
    """Speaks the user's language; handlers find it as `language`, and the user as `user`."""

    def __init__(self, i18n: I18n, users: Users) -> None:
        super().__init__(i18n=i18n)
        self._users = users

    async def get_locale(self, event: TelegramObject, data: Dict[str, Any]) -> str:
        """The user's language."""
        sender: Optional[Sender] = data.get("event_from_user")
        user: Optional[User] = None
        if sender is not None:
            try:
                user = await self._users.get(sender.id)
            except StoreError:
                # The store's failure may be what the user is about to be told.
                if not isinstance(event, ErrorEvent):
                    raise
        data["user"] = user
        data["language"] = language_of(user, None if sender is None else sender.language_code)
        return str(data["language"])


class OwnButtons(BaseMiddleware):
    """In a group, the buttons under an answer are for whom it answers."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: Dict[str, Any]) -> Any:
        """Let the button's owner through; tell everyone else."""
        assert isinstance(event, CallbackQuery)
        message = event.message
        if isinstance(message, Message) and message.chat.type != PRIVATE:
            asked = message.reply_to_message
            asker = None if asked is None else asked.from_user
            if asker is not None and asker.id != event.from_user.id:
                return await event.answer(text=_("This button is not yours."), show_alert=True)
        return await handler(event, data)
