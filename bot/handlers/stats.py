"""/stats: the owner's figures, for admins only."""

from __future__ import annotations

from datetime import timedelta

from aiogram import Router
from aiogram.types import Message
from aiogram.utils.i18n import gettext as _

from bot.config import Config
from bot.figures import Figures
from bot.handlers.addressed import command
from bot.replies import answer


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show, command("stats"), is_admin)
    return router


async def is_admin(message: Message, config: Config) -> bool:
    """Whether the sender is one of the owner's people; a filter."""
    return message.from_user is not None and message.from_user.id in config.admin_ids


async def show(message: Message, figures: Figures) -> None:
    """Tell how the bot does."""
    now = await figures.take()
    seconds = "–" if now.mean_seconds is None else f"{now.mean_seconds:.0f}"
    lines = [
        _("Running for {time}").format(time=timedelta(seconds=round(now.uptime))),
        _("Users: {n}").format(n=now.users),
        _("In the queue: {n}").format(n=now.waiting),
        _("Seconds for a picture, on average: {seconds}").format(seconds=seconds),
        _("Jobs that are kept:"),
        *(f"  {outcome}: {count}" for outcome, count in sorted(now.outcomes.items())),
    ]
    await answer(message, "\n".join(lines))
