"""Chats and their messages."""

from __future__ import annotations

import copy
import itertools
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Set

from bot.sandbox.api.arguments import Json
from bot.sandbox.api.keyboard import Button, button_rows, find_button
from bot.sandbox.change_signal import PATIENCE, ChangeSignal
from bot.sandbox.errors import bad_request

# The fields that an edit does not change.
_PERMANENT = (
    "message_id",
    "date",
    "chat",
    "from",
    "reply_to_message",
    "media_group_id",
    "message_thread_id",
    "is_topic_message",
)
# An animation comes with a document too.
_MEDIA = ("photo", "animation", "document", "sticker", "video", "video_note", "voice")

Watcher = Callable[[str, Json], None]


class Message:
    """A message in its current state: an edit changes it in place.

    `raw` is the message as the Bot API sends it, `versions` contains its state before each edit.
    """

    def __init__(self, chat: Chat, raw: Json) -> None:
        self.chat = chat
        self.raw = raw
        self.versions: List[Json] = []
        self.deleted = False

    @property
    def id(self) -> int:
        """Its number, unique in the whole sandbox."""
        return int(self.raw["message_id"])

    @property
    def from_bot(self) -> bool:
        """Whether the bot wrote it."""
        return bool(self.raw["from"]["is_bot"]) and "sender_chat" not in self.raw

    @property
    def text(self) -> str:
        """The text, or the caption of a message without one."""
        return str(self.raw.get("text", self.raw.get("caption", "")))

    @property
    def kind(self) -> str:
        """`text`, or the name of the field with its file, such as `photo`."""
        return next((kind for kind in _MEDIA if kind in self.raw), "text")

    @property
    def file_id(self) -> Optional[str]:
        """The id of its file; for a photo, of the largest variant."""
        media = self.raw.get(self.kind)
        if self.kind == "text" or media is None:
            return None
        return str((media[-1] if self.kind == "photo" else media)["file_id"])

    @property
    def file_name(self) -> Optional[str]:
        """The name of its document."""
        name: Optional[str] = self.raw.get("document", {}).get("file_name")
        return name

    @property
    def album(self) -> Optional[str]:
        """The id of its album."""
        album: Optional[str] = self.raw.get("media_group_id")
        return album

    @property
    def reply_to(self) -> Optional[int]:
        """The id of the message that it replies to."""
        number: Optional[int] = self.raw.get("reply_to_message", {}).get("message_id")
        return number

    @property
    def buttons(self) -> List[List[Button]]:
        """The buttons under it, row by row."""
        return button_rows(self.raw)

    def button(self, wanted: str) -> Button:
        """The button with that data or label. Raises `NoSuchButton`."""
        return find_button(self.raw, wanted)

    def snapshot(self) -> Json:
        """A copy that later edits do not change."""
        return copy.deepcopy(self.raw)

    def change(self, content: Json, markup: Optional[Json]) -> None:
        """Replace content and buttons. Raises `ApiError` if they are the same."""
        changed = {name: self.raw[name] for name in _PERMANENT if name in self.raw}
        changed.update(content)
        if markup:
            changed["reply_markup"] = markup
        before = {name: value for name, value in self.raw.items() if name != "edit_date"}
        if changed == before:
            raise bad_request(
                "message is not modified: specified new message content and reply markup are"
                " exactly the same as a current content and reply markup of the message"
            )
        self.versions.append(self.raw)
        self.raw = {**changed, "edit_date": int(time.time())}
        self.chat.notify("message", self.snapshot())

    def content(self) -> Json:
        """The fields that an edit may replace, without the buttons."""
        kept = (*_PERMANENT, "reply_markup", "edit_date")
        return {name: value for name, value in self.raw.items() if name not in kept}

    def __repr__(self) -> str:
        writer = self.raw["from"]["first_name"]
        buttons = "".join(
            f"\n    {' '.join(f'[{button.text}]' for button in row)}" for row in self.buttons
        )
        media = "" if self.kind == "text" else f"({self.file_name or self.kind}) "
        return f"{self.id} {writer}: {media}{self.text}{buttons}"


class Chat:
    """A private chat or a group: its current messages, members and watchers."""

    def __init__(self, raw: Json, numbers: Iterator[int]) -> None:
        self.raw = raw
        self.messages: Dict[int, Message] = {}
        self.members: Dict[int, Json] = {}
        # The members who are admins, those of them who write as the group, and the open topics.
        self.admins: Set[int] = set()
        self.anonymous: Set[int] = set()
        self.topics: Set[int] = set()
        # A bot cannot write to a user who never wrote to it.
        self.opened = False
        self.blocked = False
        self.changed = ChangeSignal()
        self.watchers: Set[Watcher] = set()
        self._numbers = numbers

    @property
    def id(self) -> int:
        """The chat's id: the user's in a private chat, negative for a group."""
        return int(self.raw["id"])

    @property
    def private(self) -> bool:
        """Whether it is the chat of one user with the bot."""
        return bool(self.raw["type"] == "private")

    def post(self, sender: Json, content: Json, reply_to: Optional[Message] = None) -> Message:
        """Add a message of `sender`."""
        raw = {
            "message_id": next(self._numbers),
            "date": int(time.time()),
            "chat": self.raw,
            "from": sender,
            **content,
        }
        if reply_to is not None:
            quoted = reply_to.snapshot()
            # As in Telegram, a quoted message contains no quote itself.
            quoted.pop("reply_to_message", None)
            raw["reply_to_message"] = quoted
        message = Message(self, raw)
        self.messages[message.id] = message
        self.notify("message", message.snapshot())
        return message

    def delete(self, message: Message) -> None:
        """Delete a message for everyone."""
        message.deleted = True
        del self.messages[message.id]
        self.notify("deleted", {"message_id": message.id})

    def notify(self, event: str, body: Json) -> None:
        """Pass a change to the watchers, and wake those who wait."""
        for watcher in list(self.watchers):
            watcher(event, body)
        self.changed.fire()

    async def wait_for(
        self,
        predicate: Callable[[Message], object] = lambda message: True,
        timeout: float = PATIENCE,
        *,
        after: Optional[Message] = None,
    ) -> Message:
        """The first of the bot's messages that satisfies `predicate`, now or after a change.

        With `after`, only messages below that one count. Raises `WaitTimeout`, whose text shows
        the chat, after `timeout` seconds.
        """

        def look() -> Optional[Message]:
            for message in self.messages.values():
                below = after is None or message.id > after.id
                if message.from_bot and below and predicate(message):
                    return message
            return None

        return await self.changed.until(
            look, timeout, lambda: f"{self.transcript()}\nNo such message arrived"
        )

    def transcript(self) -> str:
        """The current messages, each on a line with its buttons below."""
        return "\n".join(map(repr, self.messages.values()))


def topic_fields(topic: Optional[int]) -> Json:
    """The fields of a message in a topic of a forum group."""
    return {} if topic is None else {"message_thread_id": topic, "is_topic_message": True}


class Chats:
    """The chats of a sandbox by id."""

    def __init__(self) -> None:
        self._chats: Dict[int, Chat] = {}
        # A bot that remembers the messages of an earlier sandbox must not edit these instead.
        self._numbers = itertools.count(int(time.time()))

    def __iter__(self) -> Iterator[Chat]:
        return iter(self._chats.values())

    def get(self, chat_id: Any) -> Optional[Chat]:
        """The chat with that id, None if there is none."""
        return self._chats.get(chat_id)

    def add(self, raw: Json) -> Chat:
        """The chat with that id, a new one if there is none."""
        if raw["id"] not in self._chats:
            self._chats[raw["id"]] = Chat(raw, self._numbers)
        return self._chats[raw["id"]]
