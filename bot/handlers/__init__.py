"""The conversation: one router for each of its subjects, put together by `make_router`."""

from __future__ import annotations

from aiogram import Router

from bot.handlers import (
    choice,
    errors,
    examples,
    fallback,
    forget,
    gallery,
    language,
    photo,
    queue,
    result,
    settings,
    start,
    stats,
    translate,
)
from bot.handlers.filters import for_the_bot

#: In this order: `photo` takes the pictures that `gallery` leaves, `fallback` all the rest.
_SUBJECTS = (
    start,
    language,
    settings,
    examples,
    gallery,
    translate,
    choice,
    result,
    queue,
    forget,
    stats,
    photo,
    fallback,
)


def make_router() -> Router:
    """All handlers, for one dispatcher.

    They take the parts of `bot.service.wiring` by name, and what `bot.chat.middlewares` adds.
    """
    router = Router(name="conversation")
    router.message.filter(for_the_bot)
    for subject in _SUBJECTS:
        router.include_router(subject.make_router())
    errors.register(router)
    return router
