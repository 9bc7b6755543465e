"""The methods that change what was sent: edits and deletions."""

from __future__ import annotations

from typing import Dict

from bot.sandbox.api.arguments import Arguments, Json
from bot.sandbox.api.formatting import caption_content, text_content
from bot.sandbox.api.keyboard import inline_markup
from bot.sandbox.api.sending import Method, media_content
from bot.sandbox.errors import bad_request
from bot.sandbox.model.chats import Chat, Message
from bot.sandbox.model.state import State

DELETE_LIMIT = 100


async def edit_text(state: State, arguments: Arguments) -> Json:
    """`editMessageText`."""
    message = _to_edit(state, arguments)
    content = text_content(arguments)
    if message.kind != "text":
        raise bad_request("there is no text in the message to edit")
    return _edited(message, content, arguments)


async def edit_caption(state: State, arguments: Arguments) -> Json:
    """`editMessageCaption`."""
    message = _to_edit(state, arguments)
    if message.kind == "text":
        raise bad_request("there is no caption in the message to edit")
    kind = message.kind
    content = {kind: message.raw[kind], **caption_content(arguments)}
    return _edited(message, content, arguments)


async def edit_markup(state: State, arguments: Arguments) -> Json:
    """`editMessageReplyMarkup`."""
    message = _to_edit(state, arguments)
    return _edited(message, message.content(), arguments)


async def edit_media(state: State, arguments: Arguments) -> Json:
    """`editMessageMedia`: also from text to media, and from a photo to a document."""
    message = _to_edit(state, arguments)
    media = arguments.nested("media")
    if not isinstance(media, dict):
        raise bad_request("can't parse media JSON object")
    content = await media_content(state, arguments.part(media))
    # While the upload was read, the person may have deleted the message.
    message = _to_edit(state, arguments)
    if message.album and message.kind not in content:
        raise bad_request("message can't be edited")
    return _edited(message, content, arguments)


async def delete_message(state: State, arguments: Arguments) -> bool:
    """`deleteMessage`: its own anywhere, anyone's in a private chat."""
    chat = state.chat_of(arguments)
    message = chat.messages.get(arguments.number("message_id") or 0)
    if message is None:
        raise bad_request("message to delete not found")
    if not _deletable(chat, message):
        raise bad_request("message can't be deleted")
    chat.delete(message)
    return True


async def delete_messages(state: State, arguments: Arguments) -> bool:
    """`deleteMessages`: those that are gone already are passed over."""
    chat = state.chat_of(arguments)
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


def _to_edit(state: State, arguments: Arguments) -> Message:
    """The message of the call. Raises `Refusal` unless the bot may edit it."""
    chat = state.chat_of(arguments)
    number = arguments.number("message_id")
    if number is None:
        raise bad_request("message identifier is not specified")
    message = chat.messages.get(number)
    if message is None:
        raise bad_request("message to edit not found")
    if not message.from_bot:
        raise bad_request("message can't be edited")
    return message


def _edited(message: Message, content: Json, arguments: Arguments) -> Json:
    """Change the message; without buttons in the call it loses those it had."""
    message.change(content, inline_markup(arguments))
    return message.seen()


METHODS: Dict[str, Method] = {
    "editMessageText": edit_text,
    "editMessageCaption": edit_caption,
    "editMessageReplyMarkup": edit_markup,
    "editMessageMedia": edit_media,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
