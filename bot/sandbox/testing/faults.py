"""Faults on demand: calls that Telegram refuses, delays or does not answer."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Dict, Optional, Union

from bot.sandbox.api.arguments import Json
from bot.sandbox.change_signal import PATIENCE, ChangeSignal
from bot.sandbox.errors import ApiError, SandboxError

BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n"
    "</body>\r\n</html>\r\n"
)


@dataclass(frozen=True)
class Answer:
    """The answer to a call: JSON, or the text of an error page."""

    status: int
    body: Union[Json, str]


class Dropped(SandboxError):
    """The connection of a call must be closed without an answer."""


def error_answer(error: ApiError) -> Answer:
    """The error as the Bot API answers it."""
    body: Json = {
        "ok": False,
        "error_code": error.code,
        "description": error.description,
    }
    if error.retry_after is not None:
        body["parameters"] = {"retry_after": error.retry_after}
    return Answer(error.code, body)


class Fault:
    """A fault of the next `times` calls of some methods; `hits` counts the calls that had it."""

    def __init__(
        self,
        method: str,
        kind: str,
        times: Optional[int] = 1,
        chat: Optional[int] = None,
        after: bool = False,
        retry_after: int = 1,
        seconds: float = 1.0,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"There is no fault {kind!r}. There are {', '.join(KINDS)}.")
        self.method = method
        self.kind = kind
        self.times = times
        self.chat = chat
        self.after = after
        self.retry_after = retry_after
        self.seconds = seconds
        self.hits = 0
        self._changed = ChangeSignal()
        self._verdict: Optional[str] = None

    def matches(self, method: str, chat: Optional[int]) -> bool:
        """Whether the fault applies to a call."""
        return (
            (self.times is None or self.hits < self.times)
            and fnmatchcase(method.lower(), self.method.lower())
            and self.chat in (None, chat)
        )

    async def apply(self) -> Optional[Answer]:
        """The answer instead of the call's own one; None keeps that one. Raises `Dropped`."""
        self.hits += 1
        self._changed.fire()
        if self.kind == "delay":
            await asyncio.sleep(self.seconds)
            return None
        if self.kind == "hold":
            verdict = await self._changed.until(lambda: self._verdict, 3600.0)
            if verdict == "drop":
                raise Dropped
            return None
        if self.kind == "drop":
            raise Dropped
        answer: Answer = KINDS[self.kind](self)
        return answer

    async def reached(self, timeout: float = PATIENCE) -> None:
        """Wait until a call had the fault. Raises `WaitTimeout`."""
        await self._changed.until(
            lambda: self.hits or None, timeout, lambda: f"{self.method} was not called"
        )

    def release(self) -> None:
        """Let the held calls and all later ones continue."""
        self._decide("pass")

    def drop(self) -> None:
        """Drop the connections of the held calls, which are then not executed."""
        self._decide("drop")

    def _decide(self, verdict: str) -> None:
        """End a hold."""
        self._verdict = verdict
        self.times = 0
        self._changed.fire()


def _flood(fault: Fault) -> Answer:
    """The answer to too many calls."""
    text = f"Too Many Requests: retry after {fault.retry_after}"
    return error_answer(ApiError(429, text, retry_after=fault.retry_after))


# The answer of each kind; None for kinds without an answer of their own.
KINDS: Dict[str, Any] = {
    "flood": _flood,
    "forbidden": lambda _: error_answer(ApiError(403, "Forbidden: bot was blocked by the user")),
    "rights": lambda _: error_answer(
        ApiError(400, "Bad Request: not enough rights to send photos to the chat")
    ),
    "error": lambda _: error_answer(ApiError(500, "Internal Server Error")),
    "gateway": lambda _: Answer(502, BAD_GATEWAY),
    "drop": None,
    "delay": None,
    "hold": None,
}


class Faults:
    """The active faults, by number.

    Kinds: `flood` (429 with `retry_after`), `forbidden` (403), `rights` (400), `error` (500),
    `gateway` (502 with an HTML page), `drop` (connection closed), `delay` (by `seconds`), `hold`
    (until released). A fault applies before the call is executed, with `after=True` afterwards.
    """

    def __init__(self) -> None:
        self.all: Dict[int, Fault] = {}
        self._numbers = itertools.count(1)

    def add(self, method: str, kind: str, **settings: Any) -> Fault:
        """Add a fault of the calls whose method matches the pattern `method`.

        `times`: the number of calls, 1 by default, None for all. `chat`: only calls for that chat.
        """
        fault = Fault(method, kind, **settings)
        self.all[next(self._numbers)] = fault
        return fault

    def hold(self, method: str, **settings: Any) -> Fault:
        """Hold a call: `await reached()`, then `release()` or `drop()` it."""
        return self.add(method, "hold", **settings)

    def take(self, method: str, chat: Optional[int]) -> Optional[Fault]:
        """The oldest fault that applies to a call."""
        for fault in self.all.values():
            if fault.matches(method, chat):
                return fault
        return None

    def clear(self) -> None:
        """End all faults and drop the held calls."""
        for fault in self.all.values():
            fault.drop()
        self.all.clear()
