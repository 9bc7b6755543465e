"""Faults on demand: calls that Telegram refuses, delays, or leaves unanswered."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Dict, Optional, Union

from bot.sandbox.api.arguments import Json
from bot.sandbox.errors import Refusal, SandboxError
from bot.sandbox.signals import Signal

BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n"
    "</body>\r\n</html>\r\n"
)


@dataclass(frozen=True)
class Answer:
    """The reply to a call: JSON, or the text of an error page."""

    status: int
    body: Union[Json, str]


class Dropped(SandboxError):
    """The connection of a call shall be cut without an answer."""


def refused(refusal: Refusal) -> Answer:
    """A refusal as the Bot API words it."""
    body: Json = {
        "ok": False,
        "error_code": refusal.code,
        "description": refusal.description,
    }
    if refusal.retry_after is not None:
        body["parameters"] = {"retry_after": refusal.retry_after}
    return Answer(refusal.code, body)


class Fault:
    """What goes wrong with the calls of some methods, the next `times` of them.

    `hits` counts those that it struck.
    """

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
        self._changed = Signal()
        self._verdict: Optional[str] = None

    def matches(self, method: str, chat: Optional[int]) -> bool:
        """Whether a call is one of those that it strikes."""
        return (
            (self.times is None or self.hits < self.times)
            and fnmatchcase(method.lower(), self.method.lower())
            and self.chat in (None, chat)
        )

    async def strike(self) -> Optional[Answer]:
        """What the call is answered instead; None: as if nothing were wrong. Raises `Dropped`."""
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
        made: Answer = KINDS[self.kind](self)
        return made

    async def reached(self, timeout: float = 10.0) -> None:
        """Wait until a call was struck. Raises `NothingCame`."""
        await self._changed.until(
            lambda: self.hits or None, timeout, lambda: f"{self.method} was not called"
        )

    def release(self) -> None:
        """Let the held calls go on, and any later ones pass."""
        self._decide("pass")

    def drop(self) -> None:
        """Cut the held calls off; those not applied yet never are."""
        self._decide("drop")

    def _decide(self, verdict: str) -> None:
        """End a hold."""
        self._verdict = verdict
        self.times = 0
        self._changed.fire()


def _flood(fault: Fault) -> Answer:
    """Too many calls."""
    text = f"Too Many Requests: retry after {fault.retry_after}"
    return refused(Refusal(429, text, retry_after=fault.retry_after))


# What each kind answers; None for those that answer nothing of their own.
KINDS: Dict[str, Any] = {
    "flood": _flood,
    "forbidden": lambda _: refused(Refusal(403, "Forbidden: bot was blocked by the user")),
    "rights": lambda _: refused(
        Refusal(400, "Bad Request: not enough rights to send photos to the chat")
    ),
    "error": lambda _: refused(Refusal(500, "Internal Server Error")),
    "gateway": lambda _: Answer(502, BAD_GATEWAY),
    "drop": None,
    "delay": None,
    "hold": None,
}


class Faults:
    """The faults in force, by number.

    Kinds: `flood` (429 with `retry_after`), `forbidden` (403), `rights` (400), `error` (500),
    `gateway` (502 with a page of HTML), `drop` (connection cut), `delay` (by `seconds`), `hold`
    (until released). A fault strikes before the call is applied, or with `after=True` when it is
    already.
    """

    def __init__(self) -> None:
        self.all: Dict[int, Fault] = {}
        self._numbers = itertools.count(1)

    def add(self, method: str, kind: str, **settings: Any) -> Fault:
        """Let calls fail whose method matches the pattern `method`.

        `times`: how many calls, 1 by default, None for all. `chat`: only calls about that chat.
        """
        fault = Fault(method, kind, **settings)
        self.all[next(self._numbers)] = fault
        return fault

    def hold(self, method: str, **settings: Any) -> Fault:
        """Keep a call waiting: `await reached()`, then `release()` or `drop()` it."""
        return self.add(method, "hold", **settings)

    def take(self, method: str, chat: Optional[int]) -> Optional[Fault]:
        """The oldest fault that strikes a call."""
        for fault in self.all.values():
            if fault.matches(method, chat):
                return fault
        return None

    def clear(self) -> None:
        """End all faults; held calls are dropped."""
        for fault in self.all.values():
            fault.drop()
        self.all.clear()
