"""The conversation: one router for each of its subjects, put together by `make_router`."""

from __future__ import annotations

from aiogram import Router

from bot.handlers import (
    choice,
    examples,
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
from bot.handlers import errors as failures
from bot.handlers import fallback as anything
from bot.handlers.filters import addressed

#: In this order: `photo` takes what `gallery` leaves of the pictures, `anything` all the rest.
_SUBJECTS = (
    start, language, settings, examples, gallery, translate, choice, result, queue, forget, stats,
    photo, anything,
)  # fmt: skip


def make_router() -> Router:
    """All handlers, for one dispatcher.

    They take by name, as workflow data: albums, config, figures, jobs, people, pictures, reception,
    results, scheduler, uploads; and what `bot.chat.middlewares` adds.
    """
    router = Router(name="conversation")
    router.message.filter(addressed)
    for subject in _SUBJECTS:
        router.include_router(subject.make_router())
    failures.register(router)
    return router
