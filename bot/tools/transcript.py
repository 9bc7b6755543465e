"""Prints a conversation in the sandbox as it happens: messages, edits and buttons."""

from __future__ import annotations

import textwrap
import time
from typing import Any, Dict, List

#: The width in columns of the time, and of the name with its colon.
_TIME, _INDENT = 7, 11


class Transcript:
    """Prints one chat; `watch` is a watcher of a `bot.sandbox.Chat`."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._buttons: Dict[int, List[str]] = {}

    def watch(self, event: str, body: Dict[str, Any]) -> None:
        """Print a change in the chat."""
        if event == "message":
            self._print(body["from"]["first_name"], self._lines(body))
        elif event == "deleted":
            self._print("", ["(a message was deleted)"])
        elif event == "answer" and body.get("text"):
            self._print("", [f"(notice: {body['text']})"])

    def press(self, user: Dict[str, Any], label: str) -> None:
        """Print that a user presses a button, for which a chat has no event."""
        self._print(user["first_name"], [f"(presses [{label}])"])

    def _lines(self, message: Dict[str, Any]) -> List[str]:
        """A message as lines; an edited one shows its buttons only if they changed."""
        number = message["message_id"]
        head = "(edited) " if number in self._buttons else ""
        text = f"{head}{_media(message)}{message.get('text', message.get('caption', ''))}".rstrip()
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        buttons = [" ".join(f"[{button['text']}]" for button in row) for row in rows]
        changed = buttons != self._buttons.get(number)
        self._buttons[number] = buttons
        return [line for line in text.splitlines() if line] + (buttons if changed else [])

    def _print(self, who: str, lines: List[str]) -> None:
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
