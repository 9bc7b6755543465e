"""The users and what they do in their Telegram clients."""

from __future__ import annotations

import time
from typing import Any, Dict, Iterator, List, Optional

from bot.sandbox.api.arguments import Json, Upload
from bot.sandbox.api.formatting import units
from bot.sandbox.api.sending import media_fields
from bot.sandbox.change_signal import ChangeSignal
from bot.sandbox.errors import ApiError, Unsendable
from bot.sandbox.model.chats import Chat, Message, topic_fields
from bot.sandbox.model.state import Press, State

FIRST_USER = 1001

#: In whose name Telegram sends what anonymous admins of groups write.
GROUP_ANONYMOUS_BOT: Json = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}

# A client scales a photo before it sends it: only its shape can be wrong.
_UNSENDABLE = "This cannot be sent as a photo: {}. Send it as a document."
_DUMMY = b"not decoded"
_MP4 = "video/mp4"


class User:
    """A user with a Telegram client. Their actions reach the bot as updates."""

    def __init__(self, state: State, raw: Json) -> None:
        self.raw = raw
        self.chat = state.chats.add(
            {"id": raw["id"], "type": "private", "first_name": raw["first_name"]}
        )
        self.chat.members[raw["id"]] = raw
        #: As `Chat.wait_for`, in the private chat.
        self.wait_for = self.chat.wait_for
        self._state = state

    @property
    def id(self) -> int:
        """The id of the user, which is also that of the private chat with the bot."""
        return int(self.raw["id"])

    @property
    def language(self) -> str:
        """The language of the client, such as `ru`."""
        return str(self.raw["language_code"])

    @property
    def messages(self) -> List[Message]:
        """The current messages of the private chat, from both sides, oldest first."""
        return list(self.chat.messages.values())

    async def text(
        self,
        text: str,
        *,
        chat: Optional[Chat] = None,
        reply_to: Optional[Message] = None,
        topic: Optional[int] = None,
        quoted: Optional[Message] = None,
    ) -> Message:
        """Send a text; `topic` is one of a forum group, `quoted` a message of another chat."""
        content: Json = {"text": text, **_quote(quoted)}
        if text.startswith("/"):
            content["entities"] = [_command_entity(text)]
        return self._post(content, chat, reply_to, topic)

    async def photo(
        self,
        data: bytes,
        caption: Optional[str] = None,
        *,
        chat: Optional[Chat] = None,
        reply_to: Optional[Message] = None,
        topic: Optional[int] = None,
        spoiler: bool = False,
    ) -> Message:
        """Send a picture as a photo, which Telegram recompresses. Raises `Unsendable`."""
        content = {"photo": await self._photo(data), **_caption(caption)}
        if spoiler:
            content["has_media_spoiler"] = True
        return self._post(content, chat, reply_to, topic)

    async def document(
        self,
        data: bytes,
        name: str,
        caption: Optional[str] = None,
        *,
        mime_type: str = "application/octet-stream",
        chat: Optional[Chat] = None,
        reply_to: Optional[Message] = None,
    ) -> Message:
        """Send a file unchanged."""
        document = await self._state.files.document(Upload(name, mime_type, data))
        return self._post({"document": document, **_caption(caption)}, chat, reply_to)

    async def album(
        self,
        pictures: List[bytes],
        caption: Optional[str] = None,
        *,
        names: Optional[List[str]] = None,
        chat: Optional[Chat] = None,
    ) -> List[Message]:
        """Send several photos at once, or with `names` several documents.

        The first one gets the caption. Raises `Unsendable`.
        """
        contents: List[Json] = []
        for number, data in enumerate(pictures):
            if names is None:
                contents.append({"photo": await self._photo(data)})
            else:
                upload = Upload(names[number], "application/octet-stream", data)
                contents.append({"document": await self._state.files.document(upload)})
        contents[0].update(_caption(caption))
        album = self._state.new_id()
        return [self._post({"media_group_id": album, **each}, chat) for each in contents]

    async def sticker(self, *, chat: Optional[Chat] = None) -> Message:
        """Send a sticker."""
        file = self._state.files.other("sticker", "sticker.webp", "image/webp", _DUMMY)
        shape = {"width": 512, "height": 512, "type": "regular"}
        flags = {"is_animated": False, "is_video": False, "emoji": "🎨"}
        return self._post({"sticker": {**file, **shape, **flags}}, chat)

    async def animation(
        self,
        data: bytes,
        name: str = "animation.mp4",
        caption: Optional[str] = None,
        *,
        chat: Optional[Chat] = None,
        reply_to: Optional[Message] = None,
    ) -> Message:
        """Send a GIF, or an MP4 without sound that clients show as one."""
        return await self._moving("animation", Upload(name, _MP4, data), caption, chat, reply_to)

    async def video(
        self,
        data: bytes = _DUMMY,
        caption: Optional[str] = None,
        *,
        chat: Optional[Chat] = None,
        reply_to: Optional[Message] = None,
    ) -> Message:
        """Send a video."""
        upload = Upload("video.mp4", _MP4, data)
        return await self._moving("video", upload, caption, chat, reply_to)

    async def video_note(self, data: bytes, *, chat: Optional[Chat] = None) -> Message:
        """Send a video note, which is square and shown round."""
        return await self._moving("video_note", Upload("note.mp4", _MP4, data), None, chat)

    async def voice(self, *, chat: Optional[Chat] = None) -> Message:
        """Send a voice message."""
        file = self._state.files.other("voice", "voice.ogg", "audio/ogg", _DUMMY)
        return self._post({"voice": {**file, "duration": 3, "mime_type": "audio/ogg"}}, chat)

    async def press(self, message: Message, button: str) -> Press:
        """Press the button with that label or data. Raises `NoSuchButton`.

        `await press.answered()` returns the bot's answer.
        """
        found = message.button(button)
        if found.data is None:
            raise Unsendable(f"The button {found.text!r} opens {found.url}; the bot sees nothing.")
        return await self.press_data(message, found.data)

    async def press_data(self, message: Message, data: str) -> Press:
        """Press a button that need not exist: stale and forged presses."""
        press = Press(self._state.new_id(), message.chat, self.raw)
        self._state.presses[press.id] = press
        shown = message.snapshot()
        if message.deleted:
            # Telegram sends this in place of a message that is not accessible.
            shown = {"chat": shown["chat"], "message_id": message.id, "date": 0}
        query = {
            "id": press.id,
            "from": self.raw,
            "message": shown,
            "chat_instance": str(message.chat.id),
            "data": data,
        }
        self._state.updates.push("callback_query", query, message.chat.id)
        return press

    async def delete(self, message: Message) -> None:
        """Delete a message for both sides; the bot gets no update."""
        message.chat.delete(message)

    async def block(self) -> None:
        """Block the bot."""
        self._set_blocked(True)

    async def unblock(self) -> None:
        """Unblock the bot."""
        self._set_blocked(False)

    def _post(
        self,
        content: Json,
        chat: Optional[Chat],
        reply_to: Optional[Message] = None,
        topic: Optional[int] = None,
    ) -> Message:
        """Post a message and queue an update if the bot may see it."""
        chat = chat or self.chat
        if chat.private:
            chat.opened = True
        sender = self.raw
        if self.id in chat.anonymous:
            sender = GROUP_ANONYMOUS_BOT
            content = {**content, "sender_chat": chat.raw}
        message = chat.post(sender, {**content, **topic_fields(topic)}, reply_to)
        if not chat.blocked and self._visible(message, reply_to):
            self._state.updates.push("message", message.snapshot(), chat.id)
        return message

    def _visible(self, message: Message, reply_to: Optional[Message]) -> bool:
        """Whether the bot sees a message: in groups only commands and replies to the bot."""
        if message.chat.private or not self._state.privacy:
            return True
        if reply_to is not None and reply_to.from_bot:
            return True
        words = message.text.split()
        if not words or not words[0].startswith("/"):
            return False
        addressee = words[0].partition("@")[2].lower()
        return addressee in ("", self._state.bot["username"].lower())

    async def _moving(
        self,
        kind: str,
        upload: Upload,
        caption: Optional[str],
        chat: Optional[Chat],
        reply_to: Optional[Message] = None,
    ) -> Message:
        """Send a moving picture."""
        media = await self._state.files.moving(kind, upload)
        return self._post({**media_fields(kind, media), **_caption(caption)}, chat, reply_to)

    async def _photo(self, data: bytes) -> Any:
        """The variants of a photo. Raises `Unsendable`."""
        try:
            return await self._state.files.photo(data)
        except ApiError as error:
            raise Unsendable(_UNSENDABLE.format(error.description)) from error

    def _set_blocked(self, blocked: bool) -> None:
        """Block or unblock the bot, which gets an update."""
        self.chat.blocked = blocked
        before, now = ("member", "kicked") if blocked else ("kicked", "member")
        body = {
            "chat": self.chat.raw,
            "from": self.raw,
            "date": int(time.time()),
            "old_chat_member": _membership(self._state.bot, before),
            "new_chat_member": _membership(self._state.bot, now),
        }
        self._state.updates.push("my_chat_member", body, self.chat.id)


class Users:
    """The users of a sandbox by id."""

    def __init__(self, state: State) -> None:
        self.changed = ChangeSignal()
        self._state = state
        self._users: Dict[int, User] = {}

    def __iter__(self) -> Iterator[User]:
        return iter(self._users.values())

    def get(self, user_id: Optional[int], *, language_code: str, name: str) -> User:
        """The user with that id, a new one if there is none; None takes the next free id."""
        if user_id is None:
            user_id = max(self._users, default=FIRST_USER - 1) + 1
        if user_id not in self._users:
            raw = {
                "id": user_id,
                "is_bot": False,
                "first_name": name,
                "language_code": language_code,
            }
            self._users[user_id] = User(self._state, raw)
            self.changed.fire()
        return self._users[user_id]


def _membership(bot: Json, status: str) -> Json:
    """A ChatMember object of the bot."""
    return {"user": bot, "status": status, **({"until_date": 0} if status == "kicked" else {})}


def _quote(quoted: Optional[Message]) -> Json:
    """The field that describes a message of another chat."""
    if quoted is None:
        return {}
    origin = {"type": "chat", "date": 0, "sender_chat": quoted.chat.raw}
    return {"external_reply": {"origin": origin, **quoted.content()}}


def _caption(caption: Optional[str]) -> Json:
    """The field of a caption."""
    return {"caption": caption} if caption else {}


def _command_entity(text: str) -> Json:
    """The entity of a command at the beginning of a text."""
    return {"type": "bot_command", "offset": 0, "length": units(text.split()[0])}
