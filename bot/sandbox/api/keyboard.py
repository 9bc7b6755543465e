"""Inline keyboards: checks them as Telegram does, and finds a button for a user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional

from bot.sandbox.api.arguments import Arguments, Json
from bot.sandbox.errors import NoSuchButton, bad_request

DATA_LIMIT = 64
BUTTON_LIMIT = 100

_ACTIONS = (
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)
_OTHER_MARKUP = ("keyboard", "remove_keyboard", "force_reply")


@dataclass(frozen=True)
class Button:
    """A button under a message: its label, and the data it sends or the URL it opens."""

    text: str
    data: Optional[str] = None
    url: Optional[str] = None


def inline_markup(arguments: Arguments) -> Optional[Json]:
    """The checked inline keyboard of the arguments, None if there is none.

    Reply keyboards are accepted and not shown. Raises `ApiError`.
    """
    markup = arguments.nested("reply_markup")
    if not markup:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" not in markup:
        if any(name in markup for name in _OTHER_MARKUP):
            return None
        raise bad_request("can't parse reply keyboard markup JSON object")
    rows = markup["inline_keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array')
    rows = [[_checked(button) for button in row] for row in rows if row]
    if sum(map(len, rows)) > BUTTON_LIMIT:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return {"inline_keyboard": rows} if rows else None


def _checked(button: Any) -> Json:
    """The button without null fields. Raises `ApiError` if Telegram would refuse it."""
    if not isinstance(button, dict):
        raise bad_request(
            "can't parse inline keyboard button: InlineKeyboardButton must be an Object"
        )
    # Clients may send missing fields as nulls.
    button = {name: value for name, value in button.items() if value is not None}
    if not str(button.get("text", "")).strip():
        raise bad_request("can't parse inline keyboard button: button text must be non-empty")
    if not any(action in button for action in _ACTIONS):
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if "callback_data" in button:
        size = len(str(button["callback_data"]).encode("utf-8"))
        if not 1 <= size <= DATA_LIMIT:
            raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not str(button["url"]).startswith(("http://", "https://", "tg://")):
        raise bad_request(
            f"inline keyboard button URL '{button['url']}' is invalid: Unsupported URL protocol"
        )
    return button


def button_rows(raw: Json) -> List[List[Button]]:
    """The buttons under a message in Telegram's own form, row by row."""
    rows = raw.get("reply_markup", {}).get("inline_keyboard", [])
    return [
        [Button(each["text"], each.get("callback_data"), each.get("url")) for each in row]
        for row in rows
    ]


def find_button(raw: Json, wanted: str) -> Button:
    """The button whose data or label is `wanted`, else the only one whose label contains it.

    Raises `NoSuchButton`, which names the labels that exist.
    """
    buttons = [button for row in button_rows(raw) for button in row]
    for button in buttons:
        if wanted in (button.data, button.text):
            return button
    holding = [button for button in buttons if wanted in button.text]
    if len(holding) == 1:
        return holding[0]
    labels = ", ".join(f"{button.text!r} ({button.data or button.url})" for button in buttons)
    raise NoSuchButton(
        f"Message {raw['message_id']} has no button {wanted!r}; it has {labels or 'none'}."
    )
