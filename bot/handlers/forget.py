"""/forget: deletes everything that is stored about the user."""

from __future__ import annotations

import asyncio

from aiogram import Router
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import gettext as _

from bot.handlers.addressed import command
from bot.jobs import Jobs
from bot.keyboards import Forget, forget_keyboard
from bot.people import People
from bot.replies import answer, replace
from bot.results import Results
from bot.scheduler import Scheduler


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(ask, command("forget"))
    router.callback_query.register(decide, Forget.filter())
    return router


async def ask(message: Message) -> None:
    """Ask whether that is meant."""
    text = _(
        "Shall I delete everything I know about you? Your settings, your style, the pictures you "
        "sent and what I painted of them; what is in the queue is cancelled. The messages in this "
        "chat stay."
    )
    await answer(message, text, forget_keyboard())


async def decide(
    callback: CallbackQuery, callback_data: Forget, people: People, jobs: Jobs,
    scheduler: Scheduler, results: Results,
) -> None:  # fmt: skip
    """Delete it, or leave it."""
    await callback.answer()
    if not callback_data.sure:
        return await replace(callback, _("All right, nothing was deleted."))
    user_id = callback.from_user.id
    for job in await jobs.active(user_id):
        await scheduler.cancel(job.id)
    forgotten = await people.forget(user_id)
    await asyncio.get_running_loop().run_in_executor(None, results.remove, forgotten)
    await replace(callback, _("Done: I know nothing about you any more. /start begins anew."))
