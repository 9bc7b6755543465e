"""The log of the bot's calls: arguments, time and answer of each."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Callable, Deque, List, Optional

from bot.sandbox.api.arguments import Arguments, Json
from bot.sandbox.change_signal import ChangeSignal
from bot.sandbox.model.chats import Message

# Enough for any test; the memory of a sandbox that runs for days must not grow.
KEPT = 20_000


@dataclass
class Call:
    """A call of the bot. `started` is a time of `time.monotonic()`.

    `code` is None before the answer, and 0 if the connection was dropped without one.
    """

    method: str
    params: Json
    uploads: List[str]
    started: float = field(default_factory=time.monotonic)
    code: Optional[int] = None
    description: Optional[str] = None
    result: Any = None
    applied: bool = False

    @property
    def chat_id(self) -> Optional[int]:
        """The chat of the call."""
        return _number(self.params.get("chat_id"))

    @property
    def message_id(self) -> Optional[int]:
        """The message that the call changes."""
        return _number(self.params.get("message_id"))


class CallLog:
    """All calls of the bot, oldest first."""

    def __init__(self) -> None:
        self.calls: Deque[Call] = deque(maxlen=KEPT)
        self.changed = ChangeSignal()

    def begin(self, method: str, arguments: Arguments) -> Call:
        """Record a call that arrived."""
        uploads = [upload.name for upload in arguments.uploads.values()]
        call = Call(method, dict(arguments.values), uploads)
        self.calls.append(call)
        self.changed.fire()
        return call

    def end(self, call: Call, code: int, description: Optional[str] = None) -> None:
        """Record the answer to a call."""
        call.code = code
        call.description = description
        self.changed.fire()

    async def wait_for(self, predicate: Callable[[Call], object], timeout: float) -> Call:
        """The first call that satisfies `predicate`. Raises `WaitTimeout`."""
        return await self.changed.until(
            lambda: next((call for call in self.calls if predicate(call)), None),
            timeout,
            lambda: (
                "No such call arrived; the last were "
                + (
                    ", ".join(f"{call.method} ({call.code})" for call in list(self.calls)[-10:])
                    or "-"
                )
            ),
        )

    def edits_of(self, message: Message) -> List[Call]:
        """The edits that changed a message, oldest first."""
        return [
            call
            for call in self.calls
            if call.method.startswith("editMessage")
            and call.applied
            and (call.chat_id, call.message_id) == (message.chat.id, message.id)
        ]


def _number(value: Any) -> Optional[int]:
    """An id, which may be a string from a form."""
    text = str(value)
    return int(text) if text.lstrip("-").isdigit() else None
