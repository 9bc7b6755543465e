"""/stats: the owner's figures, for admins only."""

from __future__ import annotations

from typing import Optional

from aiogram import Router
from aiogram.types import Message
from aiogram.utils.i18n import gettext as _

from bot.chat.replies import answer
from bot.chat.texts import about
from bot.config import Config
from bot.handlers.filters import command
from bot.storage.jobs import CANCELLED, FAILED, PAINTED
from bot.storage.statistics import Statistics


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show, command("stats"), is_admin)
    return router


async def is_admin(message: Message, config: Config) -> bool:
    """Whether the sender is one of the owner's people; a filter."""
    return message.from_user is not None and message.from_user.id in config.admin_ids


async def show(message: Message, statistics: Statistics) -> None:
    """Tell how the bot does."""
    now = await statistics.take()
    lines = [
        _("Running for: {time}").format(time=about(now.uptime)),
        _("Users: {n}").format(n=now.users),
        _("In the queue: {n}").format(n=now.waiting),
        _("Average time for a picture: {time}").format(time=_exactly(now.mean_seconds)),
        _("Jobs in the database:"),
        *(f"  {_named(outcome)}: {count}" for outcome, count in sorted(now.outcomes.items())),
    ]
    await answer(message, "\n".join(lines))


def _exactly(seconds: Optional[float]) -> str:
    return "–" if seconds is None else _("{seconds} s").format(seconds=f"{seconds:.0f}")


def _named(outcome: str) -> str:
    """An outcome in words: how a job ended, or which picture was at fault, and why."""
    names = {
        PAINTED: _("painted"),
        CANCELLED: _("cancelled"),
        FAILED: _("failed"),
        "photo": _("photo"),
        "style": _("style"),
        "not-a-picture": _("not a picture"),
        "damaged": _("damaged"),
        "too-large": _("too many pixels"),
        "too-small": _("too few pixels"),
        "too-heavy": _("too many megabytes"),
        "gone": _("no longer there"),
    }
    return " – ".join(names.get(part, part) for part in outcome.split(":"))
