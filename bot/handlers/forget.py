"""/forget: deletes everything that is stored about the user."""

from __future__ import annotations

import asyncio
import time
from typing import Sequence

from aiogram import Router
from aiogram.types import CallbackQuery, Message
from aiogram.utils.i18n import gettext as _

from bot.chat.keyboards.data import Forget
from bot.chat.keyboards.menus import forget_keyboard
from bot.chat.replies import answer, replace
from bot.chat.submission import Sender
from bot.handlers.filters import command
from bot.jobs.endings import Endings
from bot.jobs.estimates import Estimates
from bot.jobs.kept_downloads import KeptDownloads
from bot.storage.jobs import ACTIVE, Job, Jobs
from bot.storage.results import Results
from bot.storage.users import Users
from bot.threads import on_thread

#: Seconds that the messages of cancelled jobs have to say so before the jobs are deleted, and
#: seconds between two looks at whether they do.
_FAREWELL_S, _LOOK_S = 3.0, 0.1


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(ask, command("forget"))
    router.callback_query.register(decide, Forget.filter())
    return router


async def ask(message: Message) -> None:
    """Ask whether that is meant."""
    text = _(
        "Shall I delete everything I know about you? I'll delete your settings, your style, the "
        "pictures you sent and what I painted from them, and cancel what is in the queue. The "
        "messages in this chat stay."
    )
    await answer(message, text, forget_keyboard())


async def decide(
    callback: CallbackQuery,
    callback_data: Forget,
    sender: Sender,
    users: Users,
    jobs: Jobs,
    endings: Endings,
    estimates: Estimates,
    results: Results,
    downloads: KeptDownloads,
) -> None:
    """Delete it, or leave it."""
    await callback.answer()
    if not callback_data.sure:
        return await replace(callback, _("All right, nothing was deleted."))
    user_id = sender.user.user_id
    active = await jobs.active(user_id)
    for job in active:
        await endings.cancel(job.id)
    await _until_shown(active, jobs, estimates)
    forgotten = await users.forget(user_id)
    await on_thread(results.remove, forgotten)
    # Those of all users: they are only kept to save time.
    await downloads.clear()
    await replace(callback, _("Done. I no longer know anything about you. /start starts over."))


async def _until_shown(ended: Sequence[Job], jobs: Jobs, estimates: Estimates) -> None:
    """Wait until no job is painted or shown any more, but not forever if Telegram is slow.

    What is deleted earlier leaves a message that stands at half, and a painter that writes a file.
    """
    deadline = time.monotonic() + _FAREWELL_S
    for job in ended:
        while time.monotonic() < deadline and await _is_in_work(job, jobs, estimates):
            await asyncio.sleep(_LOOK_S)


async def _is_in_work(job: Job, jobs: Jobs, estimates: Estimates) -> bool:
    """Whether the painter has not let go of the job, or its message does not tell its end."""
    if await estimates.of(job) is not None:
        return True
    now = await jobs.get(job.id)
    return now is not None and now.state in ACTIVE
