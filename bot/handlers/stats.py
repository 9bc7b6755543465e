"""/stats: the owner's statistics, for admins only."""

from __future__ import annotations

from typing import Optional, Tuple

from aiogram import Router
from aiogram.types import Message
from aiogram.utils.i18n import gettext as _

from bot.chat.catalog import Catalog
from bot.chat.languages import about
from bot.chat.replies import answer
from bot.config import Config
from bot.handlers.filters import command
from bot.outcomes import Ending, Outcome, PictureRole, Reason
from bot.painting.painters import Painters, PainterState
from bot.storage.statistics import Statistics
from runtime.spec.engine_progress import Activity, EngineProgress


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(show, command("stats"), is_admin)
    return router


async def is_admin(message: Message, config: Config) -> bool:
    """Whether the sender is one of the owner's people; a filter."""
    return message.from_user is not None and message.from_user.id in config.admin_ids


async def show(
    message: Message, statistics: Statistics, catalog: Catalog, painters: Painters
) -> None:
    """Show the statistics."""
    now = await statistics.take()
    engines = await catalog.engine_progress()
    lines = [
        _("Running for: {time}").format(time=about(now.uptime)),
        _("Users: {n}").format(n=now.users),
        _("In the queue: {n}").format(n=now.waiting),
        _("Average time for a picture: {time}").format(time=_exactly(now.mean_seconds)),
        *([] if engines is None else [_engines(engines)]),
        _("Jobs in the database:"),
        *(
            f"  {_named(ending)}: {count}"
            for ending, count in sorted(now.endings.items(), key=_label)
        ),
    ]
    states = painters.states()
    if states:
        lines += [_("Painters:"), *(f"  {_painter(state)}" for state in states)]
    await answer(message, "\n".join(lines))


def _painter(state: PainterState) -> str:
    """A painter of the fleet in a line: what it does, what it has done, how fast and hot it is."""
    if not state.here:
        doing = _("silent for {time}").format(time=about(state.silence))
    else:
        doing = _("painting now") if state.busy else _("free")
    text = _("{name}: {doing}, {painted} painted, {failed} failed").format(
        name=state.name, doing=doing, painted=state.painted, failed=state.failed
    )
    known = [state.backend]
    if state.seconds is not None:
        known.append(_("{time} per picture").format(time=_exactly(state.seconds)))
    if state.temperature is not None:
        known.append(f"{state.temperature:.0f} °C")
    details = ", ".join(each for each in known if each)
    if details:
        text = f"{text} ({details})"
    if state.doubled:
        text += "\n    " + _("Two machines have its credentials: give each its own.")
    return text


def _engines(progress: EngineProgress) -> str:
    if progress.activity is Activity.STOPPED:
        text = _("GPU engines: {n} of {all} built, the build has stopped")
    else:
        text = _("GPU engines: {n} of {all} built, about {time} left")
    time = about(progress.seconds_left)
    return text.format(n=progress.built, all=progress.planned, time=time)


def _exactly(seconds: Optional[float]) -> str:
    return "–" if seconds is None else _("{seconds} s").format(seconds=f"{seconds:.0f}")


def _label(counted: Tuple[Ending, int]) -> str:
    return counted[0].label


def _named(ending: Ending) -> str:
    """An ending in words: how a job ended, or which picture was at fault, and why."""
    if ending.refusal is not None:
        pictures = {
            PictureRole.PHOTO: _("photo"),
            PictureRole.VIDEO: _("video"),
            PictureRole.STYLE: _("style"),
        }
        reasons = {
            Reason.NOT_A_PICTURE: _("not a picture"),
            Reason.FORMAT_UNAVAILABLE: _("format not readable here"),
            Reason.DAMAGED: _("damaged"),
            Reason.TOO_SLOW: _("too slow to open"),
            Reason.TOO_LARGE: _("too many pixels"),
            Reason.TOO_SMALL: _("too few pixels"),
            Reason.TOO_HEAVY: _("too many megabytes"),
            Reason.GONE: _("no longer there"),
        }
        return f"{pictures[ending.refusal.picture]} – {reasons[ending.refusal.reason]}"
    outcomes = {
        Outcome.PAINTED: _("painted"),
        Outcome.CANCELLED: _("cancelled"),
        Outcome.FAILED: _("failed"),
    }
    return outcomes[ending.outcome]
