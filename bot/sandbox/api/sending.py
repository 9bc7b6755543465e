"""The methods that send: messages, photos, documents, albums, chat actions, answers to buttons."""

from __future__ import annotations

import time
from typing import Any, Awaitable, Callable, Dict, List, Optional

from bot.sandbox.api.arguments import Arguments, Json, Upload
from bot.sandbox.api.formatting import caption_content, text_content
from bot.sandbox.api.keyboard import inline_markup
from bot.sandbox.errors import bad_request
from bot.sandbox.model.chats import topic_fields
from bot.sandbox.model.files import check_file_upload, check_photo_upload
from bot.sandbox.model.state import State
from bot.sandbox.model.videos import MOVING

Method = Callable[[State, Arguments], Awaitable[Any]]

ALBUM = (2, 10)
ANSWER_LIMIT = 200
ACTIONS = (
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
)


async def send_message(state: State, arguments: Arguments) -> Json:
    """`sendMessage`."""
    return _post(state, arguments, [text_content(arguments)])[0]


async def send_photo(state: State, arguments: Arguments) -> Json:
    """`sendPhoto`."""
    return await _send_media(state, arguments, "photo")


async def send_document(state: State, arguments: Arguments) -> Json:
    """`sendDocument`."""
    return await _send_media(state, arguments, "document")


async def send_animation(state: State, arguments: Arguments) -> Json:
    """`sendAnimation`."""
    return await _send_media(state, arguments, "animation")


async def send_video(state: State, arguments: Arguments) -> Json:
    """`sendVideo`."""
    return await _send_media(state, arguments, "video")


async def send_video_note(state: State, arguments: Arguments) -> Json:
    """`sendVideoNote`, which has no caption."""
    state.target_chat(arguments)
    note = await _attachment(state, arguments, "video_note", "video_note")
    return _post(state, arguments, [{"video_note": note}])[0]


async def send_media_group(state: State, arguments: Arguments) -> List[Json]:
    """`sendMediaGroup`: 2 to 10 photos or documents."""
    items = arguments.nested("media")
    if not isinstance(items, list):
        raise bad_request("can't parse media JSON object")
    if len(items) < ALBUM[0]:
        raise bad_request("too few messages to send as an album")
    if len(items) > ALBUM[1]:
        raise bad_request("too many messages to send as an album")
    state.target_chat(arguments)
    parts = [arguments.part(item) for item in items if isinstance(item, dict)]
    kinds = {part.text("type") for part in parts}
    if len(kinds) > 1 and "document" in kinds:
        raise bad_request("document can't be mixed with other media types")
    contents = [await media_content(state, part) for part in parts]
    album = state.new_id()
    return _post(state, arguments, [{"media_group_id": album, **each} for each in contents])


async def send_chat_action(state: State, arguments: Arguments) -> bool:
    """`sendChatAction`: what the bot is doing, shown for five seconds."""
    chat = state.target_chat(arguments)
    action = arguments.text("action")
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat.notify("action", {"action": action})
    return True


async def answer_callback_query(state: State, arguments: Arguments) -> bool:
    """`answerCallbackQuery`: only once per press, and only in time."""
    press = state.presses.get(arguments.text("callback_query_id"))
    late = press is not None and time.monotonic() - press.started > state.press_timeout
    if press is None or late or press.answer is not None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = arguments.text("text")
    if len(text) > ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    press.reply({"text": text, "show_alert": arguments.flag("show_alert")})
    return True


async def copy_message(state: State, arguments: Arguments) -> Json:
    """`copyMessage`: a message of another chat without its sender's name."""
    source = state.chats.get(arguments.number("from_chat_id"))
    found = source.messages.get(arguments.number("message_id") or 0) if source else None
    if found is None:
        raise bad_request("message to copy not found")
    content = found.content()
    if arguments.values.get("caption") is not None and found.kind != "text":
        content = {name: content[name] for name in content if not name.startswith("caption")}
        content.update(caption_content(arguments))
    return {"message_id": _post(state, arguments, [content])[0]["message_id"]}


async def _send_media(state: State, arguments: Arguments, kind: str) -> Json:
    """Send one file with its caption."""
    state.target_chat(arguments)
    content = {
        **media_fields(kind, await _attachment(state, arguments, kind, kind)),
        **caption_content(arguments),
        **({"has_media_spoiler": True} if arguments.flag("has_spoiler") else {}),
    }
    return _post(state, arguments, [content])[0]


async def media_content(state: State, part: Arguments) -> Json:
    """The content of an InputMedia object. Raises `ApiError`."""
    kind = part.text("type")
    if kind not in ("photo", "document", "animation", "video"):
        raise bad_request(f"can't parse InputMedia: type {kind!r} is not known to the sandbox")
    caption = caption_content(part)
    covered: Json = {"has_media_spoiler": True} if part.flag("has_spoiler") else {}
    media = await _attachment(state, part, kind, "media")
    return {**media_fields(kind, media), **caption, **covered}


def media_fields(kind: str, media: Any) -> Json:
    """The fields of a message with a file; an animation is in two, for old clients."""
    if kind == "animation":
        return {kind: media, "document": media}
    return {kind: media}


async def _attachment(state: State, arguments: Arguments, kind: str, name: str) -> Any:
    """The file of an argument: an upload, or a file_id."""
    file = arguments.file(name)
    if isinstance(file, str):
        if not file:
            raise bad_request(f"there is no {kind} in the request")
        return state.files.attachment(file, kind)
    return await _uploaded(state, file, kind)


async def _uploaded(state: State, upload: Upload, kind: str) -> Any:
    """Store an upload. Raises `ApiError` above the limits for bots."""
    if kind != "photo":
        check_file_upload(upload.data)
    if kind in MOVING:
        return await state.files.moving(kind, upload)
    if kind == "document":
        return await state.files.document(upload)
    check_photo_upload(upload.data)
    return await state.files.photo(upload.data)


def _post(state: State, arguments: Arguments, contents: List[Json]) -> List[Json]:
    """Post messages of the bot to the chat of the call."""
    chat = state.target_chat(arguments)
    reply_to = state.reply_target(chat, arguments)
    markup: Optional[Json] = inline_markup(arguments)
    topic = arguments.number("message_thread_id")
    if topic is not None and topic not in chat.topics:
        raise bad_request("message thread not found")
    extra = {**topic_fields(topic), **({"reply_markup": markup} if markup else {})}
    posted = [chat.post(state.bot, {**content, **extra}, reply_to) for content in contents]
    return [message.snapshot() for message in posted]


METHODS: Dict[str, Method] = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendAnimation": send_animation,
    "sendVideo": send_video,
    "sendVideoNote": send_video_note,
    "sendMediaGroup": send_media_group,
    "sendChatAction": send_chat_action,
    "copyMessage": copy_message,
    "answerCallbackQuery": answer_callback_query,
}
