"""How a job ends, and why a picture is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Optional


class Outcome(str, Enum):
    """How a job ended."""

    PAINTED = "painted"
    CANCELLED = "cancelled"
    FAILED = "failed"
    REFUSED = "refused"


class PictureRole(str, Enum):
    """Which of a job's two pictures is meant; `VIDEO` takes the place of `PHOTO` where it moves."""

    PHOTO = "photo"
    VIDEO = "video"
    STYLE = "style"


class Reason(str, Enum):
    """Why a picture is refused; another attempt would meet it again."""

    NOT_A_PICTURE = "not-a-picture"
    FORMAT_UNAVAILABLE = "format-unavailable"
    DAMAGED = "damaged"
    TOO_SLOW = "too-slow"
    TOO_LARGE = "too-large"
    TOO_SMALL = "too-small"
    TOO_HEAVY = "too-heavy"
    GONE = "gone"


@dataclass(frozen=True)
class Refusal:
    """A picture that cannot be used, and why."""

    picture: PictureRole
    reason: Reason


@dataclass(frozen=True)
class Ending:
    """The outcome of a job, with the refusal where it is `Outcome.REFUSED`."""

    outcome: Outcome
    refusal: Optional[Refusal] = None

    @property
    def label(self) -> str:
        """One word for metrics and logs, such as `painted` or `photo:too-large`."""
        if self.refusal is None:
            return self.outcome.value
        return f"{self.refusal.picture.value}:{self.refusal.reason.value}"


PAINTED, CANCELLED, FAILED = map(Ending, (Outcome.PAINTED, Outcome.CANCELLED, Outcome.FAILED))


def refused(picture: PictureRole, reason: Reason) -> Ending:
    """The ending of a job whose picture cannot be used."""
    return Ending(Outcome.REFUSED, Refusal(picture, reason))
