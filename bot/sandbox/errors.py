"""The exceptions of the sandbox.

SandboxError
├── Refusal       the Bot API refuses a call: its answer, with the code and Telegram's wording
├── NothingCame   what a test waited for did not happen in time
├── NoSuchButton  a message has no button of that label or data
└── Unsendable    what a Telegram client could not send, such as a broken picture as a photo
"""

from __future__ import annotations

from typing import Optional


class SandboxError(Exception):
    """Anything the sandbox reports in a sentence instead of a traceback."""


class Refusal(SandboxError):
    """The Bot API refuses a call; `retry_after` is in seconds."""

    def __init__(self, code: int, description: str, retry_after: Optional[int] = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after


class NothingCame(SandboxError):
    """What a test waited for did not happen in time."""


class NoSuchButton(SandboxError):
    """A message has no button of that label or data."""


class Unsendable(SandboxError):
    """What a Telegram client could not send, such as a broken picture as a photo."""


def bad_request(reason: str) -> Refusal:
    """The refusal of a call whose arguments are at fault."""
    return Refusal(400, f"Bad Request: {reason}")
