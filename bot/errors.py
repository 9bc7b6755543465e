"""The exceptions of `bot`.

BotError
├── ConfigError        a setting is missing or wrong; the message names the variable
├── StoreError         the database cannot be read or written (read-only, disk full)
├── NotStored          nothing of an update was committed: Telegram shall send it again
└── JobRefused         a job is not taken
    ├── UserQueueFull      the user has as many jobs waiting as one may have
    └── QueueFull          all together have
"""

from __future__ import annotations


class BotError(Exception):
    """Anything the bot reports in a sentence instead of a traceback."""


class ConfigError(BotError):
    """A setting is missing or wrong; the message names the variable."""


class StoreError(BotError):
    """The database cannot be read or written: read-only, disk full, damaged."""


class NotStored(BotError):
    """Nothing of an update was committed: Telegram shall send it again."""


class JobRefused(BotError):
    """A job is not taken; nothing was stored."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{type(self).__name__}: {limit} jobs are waiting, the most there may be.")
        self.limit = limit


class UserQueueFull(JobRefused):
    """The user has as many jobs waiting as one may have."""


class QueueFull(JobRefused):
    """All users together have as many jobs waiting as there may be."""
