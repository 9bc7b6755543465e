"""How a job ends on a painter, as a message and back as what `submit` returns or raises."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Optional, Union

from bot.errors import (
    BotError,
    PainterDied,
    PainterStuck,
    PaintingFailed,
    PictureRefused,
)
from bot.outcomes import PictureRole, Reason
from bot.painting.fleet.messages import Ended, made
from bot.painting.protocol import PaintResult

PAINTED, REFUSED, FAILED = "painted", "refused", "failed"
DIED, STUCK, CANCELLED = "died", "stuck", "cancelled"

#: How many characters of an error are logged: another machine may send any number.
_LONGEST = 1000

_ERRORS: Dict[str, Callable[[Mapping[str, Any]], BotError]] = {
    REFUSED: lambda has: PictureRefused(
        _message(has), PictureRole(has["picture"]), Reason(has["reason"])
    ),
    FAILED: lambda has: PaintingFailed(_message(has), retriable=bool(has["retriable"])),
    # A painter of the first release does not say whether it crashed.
    DIED: lambda has: PainterDied(_message(has), crashed=has.get("crashed") is True),
    STUCK: lambda has: PainterStuck(_message(has)),
    CANCELLED: lambda has: PainterDied("The painter was stopped in the middle."),
}


def _message(details: Mapping[str, Any]) -> str:
    return str(details["message"])[:_LONGEST]


def ending_of(job: str, end: Union[PaintResult, BaseException], file: Optional[str]) -> Ended:
    """The message about a result, whose picture is `file` in the bucket, or about an exception."""
    if isinstance(end, PaintResult):
        return Ended(job, PAINTED, vars(end), file)
    message = {"message": str(end) or type(end).__name__}
    if isinstance(end, PictureRefused):
        refusal = end.refusal
        where = {"picture": refusal.picture.value, "reason": refusal.reason.value}
        return Ended(job, REFUSED, {**message, **where})
    if isinstance(end, PainterDied):
        return Ended(job, DIED, {**message, "crashed": end.crashed})
    if isinstance(end, PainterStuck):
        return Ended(job, STUCK, message)
    return Ended(job, FAILED, {**message, "retriable": getattr(end, "retriable", True)})


def result_of(ended: Ended) -> PaintResult:
    """The result of a painting; raises what the painter's child process would have raised.

    Raises `PaintingFailed` too for a message that makes no sense.
    """
    try:
        if ended.how != PAINTED:
            raise _ERRORS[ended.how](ended.details)
        return made(PaintResult, ended.details)
    except (KeyError, ValueError, TypeError) as error:
        text = f"The painter's answer makes no sense: {ended.how!r}, {error!r}."
        raise PaintingFailed(text, retriable=True) from error
