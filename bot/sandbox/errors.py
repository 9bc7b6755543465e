"""The exceptions of the sandbox.

SandboxError
├── ApiError      the Bot API refuses a call, with Telegram's code and description
├── WaitTimeout   an expected event did not happen in time
├── NoSuchButton  a message has no button with that label or data
└── Unsendable    a Telegram client cannot send this, such as a broken picture as a photo
"""

from __future__ import annotations

from typing import Optional


class SandboxError(Exception):
    """Anything the sandbox reports in a sentence instead of a traceback."""


class ApiError(SandboxError):
    """The Bot API refuses a call; `retry_after` is in seconds."""

    def __init__(self, code: int, description: str, retry_after: Optional[int] = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after


class WaitTimeout(SandboxError):
    """An expected event did not happen in time."""


class NoSuchButton(SandboxError):
    """A message has no button with that label or data."""


class Unsendable(SandboxError):
    """A Telegram client cannot send this, such as a broken picture as a photo."""


def bad_request(reason: str) -> ApiError:
    """The error for a call with wrong arguments."""
    return ApiError(400, f"Bad Request: {reason}")
