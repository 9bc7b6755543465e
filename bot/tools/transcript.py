"""Prints a conversation in the sandbox while it goes on: who says what, edits and buttons too."""

from __future__ import annotations

import textwrap
import time
from typing import Any, Dict, List

#: Columns of the times before each line, and of the lines under a name.
_TIME, _INDENT = 7, 11


class Transcript:
    """A printer of one chat; `tell` is a watcher of a `bot.sandbox.Chat`."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._buttons: Dict[int, List[str]] = {}

    def tell(self, event: str, body: Dict[str, Any]) -> None:
        """Print what has changed in the chat."""
        if event == "message":
            self._say(body["from"]["first_name"], self._shown(body))
        elif event == "deleted":
            self._say("", ["(a message is deleted)"])
        elif event == "answer" and body.get("text"):
            self._say("", [f"(notice: {body['text']})"])

    def press(self, person: Dict[str, Any], label: str) -> None:
        """Print that a person presses a button; nobody tells of it but who does it."""
        self._say(person["first_name"], [f"(presses [{label}])"])

    def _shown(self, message: Dict[str, Any]) -> List[str]:
        """A message as lines; the buttons of an edited one only where they changed."""
        number = message["message_id"]
        head = "(edited) " if number in self._buttons else ""
        text = f"{head}{_media(message)}{message.get('text', message.get('caption', ''))}".rstrip()
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        buttons = [" ".join(f"[{button['text']}]" for button in row) for row in rows]
        changed = buttons != self._buttons.get(number)
        self._buttons[number] = buttons
        return [line for line in text.splitlines() if line] + (buttons if changed else [])

    def _say(self, who: str, lines: List[str]) -> None:
        seconds = f"{time.monotonic() - self._start:.1f} s".rjust(_TIME)
        head = f"{seconds}  {who + ':' if who else '':{_INDENT - 2}} "
        text = textwrap.indent("\n".join(lines), " " * len(head))
        print(head + text[len(head) :], flush=True)


def _media(message: Dict[str, Any]) -> str:
    if "photo" in message:
        largest = message["photo"][-1]
        return f"(photo, {largest['width']} x {largest['height']}) "
    if "document" in message:
        return f"(file {message['document'].get('file_name', '')}) "
    return ""
