"""The methods that edit and delete messages."""

from __future__ import annotations

from typing import Dict

from bot.sandbox.api.arguments import Arguments, Json
from bot.sandbox.api.formatting import caption_content, text_content
from bot.sandbox.api.keyboard import inline_markup
from bot.sandbox.api.sending import Method, media_content, media_fields
from bot.sandbox.errors import bad_request
from bot.sandbox.model.chats import Chat, Message
from bot.sandbox.model.state import State

DELETE_LIMIT = 100


async def edit_text(state: State, arguments: Arguments) -> Json:
    """`editMessageText`."""
    message = _editable_message(state, arguments)
    content = text_content(arguments)
    if message.kind != "text":
        raise bad_request("there is no text in the message to edit")
    return _edit(message, content, arguments)


async def edit_caption(state: State, arguments: Arguments) -> Json:
    """`editMessageCaption`."""
    message = _editable_message(state, arguments)
    if message.kind in ("text", "video_note"):
        raise bad_request("there is no caption in the message to edit")
    fields = media_fields(message.kind, message.raw[message.kind])
    content = {**fields, **caption_content(arguments)}
    return _edit(message, content, arguments)


async def edit_markup(state: State, arguments: Arguments) -> Json:
    """`editMessageReplyMarkup`."""
    message = _editable_message(state, arguments)
    return _edit(message, message.content(), arguments)


async def edit_media(state: State, arguments: Arguments) -> Json:
    """`editMessageMedia`: also from text to media, and from one kind of media to another."""
    message = _editable_message(state, arguments)
    media = arguments.nested("media")
    if not isinstance(media, dict):
        raise bad_request("can't parse media JSON object")
    content = await media_content(state, arguments.part(media))
    # The user may have deleted the message while the upload was read.
    message = _editable_message(state, arguments)
    if message.album and message.kind not in content:
        raise bad_request("message can't be edited")
    return _edit(message, content, arguments)


async def stop_live_location(state: State, arguments: Arguments) -> Json:
    """`stopMessageLiveLocation`, which finds none: no message of the sandbox is a location."""
    _editable_message(state, arguments)
    raise bad_request("there is no live location in the message to edit")


async def delete_message(state: State, arguments: Arguments) -> bool:
    """`deleteMessage`: the bot's own messages anywhere, all messages in a private chat."""
    chat = state.target_chat(arguments)
    message = chat.messages.get(arguments.number("message_id") or 0)
    if message is None:
        raise bad_request("message to delete not found")
    if not _deletable(chat, message):
        raise bad_request("message can't be deleted")
    chat.delete(message)
    return True


async def delete_messages(state: State, arguments: Arguments) -> bool:
    """`deleteMessages`: skips messages that do not exist."""
    chat = state.target_chat(arguments)
    numbers = arguments.nested("message_ids")
    if not isinstance(numbers, list) or not numbers:
        raise bad_request("message identifiers are not specified")
    if len(numbers) > DELETE_LIMIT:
        raise bad_request("too many message identifiers specified")
    for number in numbers:
        message = chat.messages.get(int(number))
        if message is not None and _deletable(chat, message):
            chat.delete(message)
    return True


def _deletable(chat: Chat, message: Message) -> bool:
    """Whether the bot may delete the message."""
    return message.from_bot or chat.private


def _editable_message(state: State, arguments: Arguments) -> Message:
    """The message to edit. Raises `ApiError` unless the bot may edit it."""
    chat = state.target_chat(arguments)
    number = arguments.number("message_id")
    if number is None:
        raise bad_request("message identifier is not specified")
    message = chat.messages.get(number)
    if message is None:
        raise bad_request("message to edit not found")
    if not message.from_bot:
        raise bad_request("message can't be edited")
    return message


def _edit(message: Message, content: Json, arguments: Arguments) -> Json:
    """Edit the message; a call without buttons removes those it has."""
    message.change(content, inline_markup(arguments))
    return message.snapshot()


METHODS: Dict[str, Method] = {
    "editMessageText": edit_text,
    "editMessageCaption": edit_caption,
    "editMessageReplyMarkup": edit_markup,
    "editMessageMedia": edit_media,
    "stopMessageLiveLocation": stop_live_location,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
