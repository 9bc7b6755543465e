"""The methods about the bot itself: its name and commands, updates, files, pressed buttons."""

from __future__ import annotations

import re
import time
from typing import Any, Dict, List
from urllib.parse import urlsplit

from bot.sandbox.api.arguments import Arguments, Json
from bot.sandbox.api.sending import Method
from bot.sandbox.errors import Refusal, bad_request
from bot.sandbox.model.state import State
from bot.sandbox.model.updates import POLL_LIMIT
from bot.sandbox.model.webhook import DEFAULT_CONNECTIONS, WebHook, parse_allowed

ANSWER_LIMIT = 200
DESCRIPTION_LIMIT = 256
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


async def get_me(state: State, arguments: Arguments) -> Json:
    """`getMe`."""
    return {
        **state.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": not state.privacy,
        "supports_inline_queries": False,
    }


async def set_webhook(state: State, arguments: Arguments) -> bool:
    """`setWebhook`: besides https it takes http on this machine, where the sandbox's bot is."""
    url = arguments.text("url")
    if not url:
        return await delete_webhook(state, arguments)
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    secret = arguments.text("secret_token")
    if secret and not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    connections = arguments.number("max_connections") or DEFAULT_CONNECTIONS
    if not 1 <= connections <= 100:
        raise bad_request("bad webhook: max_connections must be between 1 and 100")
    _set_allowed(state, arguments)
    if arguments.flag("drop_pending_updates"):
        state.updates.drop()
    state.updates.interrupt("terminated by setWebhook request")
    state.delivery.set(WebHook(url, secret, connections))
    return True


async def delete_webhook(state: State, arguments: Arguments) -> bool:
    """`deleteWebhook`."""
    state.delivery.set(WebHook())
    if arguments.flag("drop_pending_updates"):
        state.updates.drop()
    return True


async def get_webhook_info(state: State, arguments: Arguments) -> Json:
    """`getWebhookInfo`."""
    return state.delivery.described()


async def get_updates(state: State, arguments: Arguments) -> List[Json]:
    """`getUpdates`, by long polling."""
    if state.delivery.hook.url:
        raise Refusal(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to"
            " delete the webhook first",
        )
    _set_allowed(state, arguments)
    limit = arguments.number("limit") or POLL_LIMIT
    return await state.updates.poll(
        arguments.number("offset") or 0,
        min(max(limit, 1), POLL_LIMIT),
        max(arguments.number("timeout") or 0, 0),
    )


async def set_my_commands(state: State, arguments: Arguments) -> bool:
    """`setMyCommands`, for a scope and a language."""
    commands = arguments.nested("commands") or []
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad_request("can't parse commands")
    for each in commands:
        if not _COMMAND.fullmatch(str(each.get("command", "")).lstrip("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(each.get("description", ""))) <= DESCRIPTION_LIMIT:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    state.commands[_scope(arguments)] = commands
    for chat in state.chats:
        chat.tell("commands", {})
    return True


async def get_my_commands(state: State, arguments: Arguments) -> List[Json]:
    """`getMyCommands`."""
    return state.commands.get(_scope(arguments), [])


async def delete_my_commands(state: State, arguments: Arguments) -> bool:
    """`deleteMyCommands`."""
    state.commands.pop(_scope(arguments), None)
    return True


def _profile_methods(name: str, limit: int) -> Dict[str, Method]:
    """The setter and getter of one of the bot's texts, by language."""
    field = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()

    async def set_text(state: State, arguments: Arguments) -> bool:
        if len(arguments.text(field)) > limit:
            raise bad_request(f"{field.replace('_', ' ')} is too long")
        state.profile[field, arguments.text("language_code")] = arguments.text(field)
        return True

    async def get_text(state: State, arguments: Arguments) -> Json:
        return {field: state.profile.get((field, arguments.text("language_code")), "")}

    return {f"setMy{name}": set_text, f"getMy{name}": get_text}


async def get_file(state: State, arguments: Arguments) -> Json:
    """`getFile`: for files up to 20 MB."""
    return state.files.publish(arguments.text("file_id"))


async def answer_callback_query(state: State, arguments: Arguments) -> bool:
    """`answerCallbackQuery`: once, and in time."""
    press = state.presses.get(arguments.text("callback_query_id"))
    late = press is not None and time.monotonic() - press.asked > state.press_timeout
    if press is None or late or press.answer is not None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = arguments.text("text")
    if len(text) > ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    press.reply({"text": text, "show_alert": arguments.flag("show_alert")})
    return True


def _set_allowed(state: State, arguments: Arguments) -> None:
    """Take the kinds of updates the bot wants; those of the last call if it says nothing."""
    if arguments.values.get("allowed_updates") is not None:
        state.updates.allowed = parse_allowed(arguments.nested("allowed_updates"))


def _scope(arguments: Arguments) -> Any:
    """For whom commands are."""
    scope = arguments.nested("scope") or {}
    return scope.get("type", "default"), arguments.text("language_code")


METHODS: Dict[str, Method] = {
    "getMe": get_me,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "getUpdates": get_updates,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    **_profile_methods("Name", 64),
    **_profile_methods("Description", 512),
    **_profile_methods("ShortDescription", 120),
    "getFile": get_file,
    "answerCallbackQuery": answer_callback_query,
}
