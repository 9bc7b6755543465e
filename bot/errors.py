"""The exceptions of `bot`.

BotError
├── ConfigError        a setting is missing or wrong; the message names the variable
├── PortError          the bot cannot listen on its port
├── TunnelError        no public URL leads to this machine; says why and what helps
├── StateFolderError   the state folder cannot be written, or another bot uses it
├── StoreError         the database cannot be read or written (read-only, disk full)
├── ReleaseError       an upgrade cannot be taken into use or back; says why and what helps
├── NotStored          nothing of an update was committed: Telegram must send it again
├── JobRefused         a job is not taken
│   ├── UserQueueFull      the user has as many jobs waiting as one may have
│   └── QueueFull          all together have
├── FleetError         the fleet's server cannot be reached, or what comes from it is wrong
├── TelegramUnreachable    Telegram cannot be reached or answers with a failure of its own
├── PictureRefused     the photo or the style cannot be used, now or later; says which, and why
└── PaintingError      a picture was not painted; says whether another attempt may help
    ├── PaintingFailed     the runtime is at fault: no memory, no graph, disk full
    ├── PainterDied        the child process ended, or was killed, in the middle
    ├── PainterStuck       the child process made no progress and was killed
    └── PainterLost        a painter of the fleet died, or cannot be reached
"""

from __future__ import annotations

from bot.outcomes import PictureRole, Reason, Refusal


class BotError(Exception):
    """Anything the bot reports in a sentence instead of a traceback."""


class ConfigError(BotError):
    """A setting is missing or wrong; the message names the variable."""


class PortError(BotError):
    """The bot cannot listen on its port."""


class TunnelError(BotError):
    """No public URL leads to this machine; the message says why and what helps."""


class StateFolderError(BotError):
    """The folder of the bot's state cannot be written, or another bot uses it."""


class StoreError(BotError):
    """The database cannot be read or written: read-only, disk full, damaged."""


class ReleaseError(BotError):
    """A release cannot be taken into use or back; the message says why and what helps."""


class NotStored(BotError):
    """Nothing of an update was committed: Telegram must send it again."""


class JobRefused(BotError):
    """A job is not taken; nothing was stored."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{type(self).__name__}: {limit} jobs are waiting, the most there may be.")
        self.limit = limit


class UserQueueFull(JobRefused):
    """The user has as many jobs waiting as one may have."""


class QueueFull(JobRefused):
    """All users together have as many jobs waiting as there may be."""


class FleetError(BotError):
    """The fleet's server cannot be reached, or what comes from it is wrong."""


class TelegramUnreachable(BotError):
    """Telegram cannot be reached, or answers with a failure of its own: try again later."""


class PictureRefused(BotError):
    """The photo or the style cannot be used, now or later: see `refusal`."""

    def __init__(self, message: str, picture: PictureRole, reason: Reason) -> None:
        super().__init__(message)
        self.refusal = Refusal(picture, reason)


class PaintingError(BotError):
    """A picture was not painted; `retriable` says whether another attempt may help."""

    def __init__(self, message: str, *, retriable: bool) -> None:
        super().__init__(message)
        self.retriable = retriable


class PaintingFailed(PaintingError):
    """The runtime could not paint, through no fault of the pictures."""


class PainterDied(PaintingError):
    """The child process ended or was killed, by the kernel when memory ran out for one.

    `crashed` if it was a fault in its own code, such as an access to memory that it does not have.
    """

    def __init__(self, message: str, *, crashed: bool = False) -> None:
        super().__init__(message, retriable=True)
        self.crashed = crashed


class PainterStuck(PaintingError):
    """The child process made no progress for too long and was killed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retriable=True)


class PainterLost(PaintingError):
    """A painter of the fleet died, or cannot be reached; another one may paint the picture.

    counts: whether it counts as an attempt. It does not where the job cannot be the cause: the painter
        never got it, or was stopped by its owner.
    """

    def __init__(self, message: str, *, counts: bool = True) -> None:
        super().__init__(message, retriable=True)
        self.counts = counts
