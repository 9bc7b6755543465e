"""The methods that set and return what is known about the bot: name, texts, commands."""

from __future__ import annotations

import re
from typing import Any, Dict, List

from bot.sandbox.api.arguments import Arguments, Json
from bot.sandbox.api.sending import Method
from bot.sandbox.errors import bad_request
from bot.sandbox.model.state import State

DESCRIPTION_LIMIT = 256

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")


async def get_me(state: State, arguments: Arguments) -> Json:
    """`getMe`."""
    return {
        **state.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": not state.privacy,
        "supports_inline_queries": False,
    }


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
        chat.notify("commands", {})
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


def _scope(arguments: Arguments) -> Any:
    """The scope and the language of a list of commands."""
    scope = arguments.nested("scope") or {}
    return scope.get("type", "default"), arguments.text("language_code")


async def get_chat_member(state: State, arguments: Arguments) -> Json:
    """`getChatMember`."""
    chat, user_id = state.target_chat(arguments), arguments.number("user_id")
    if user_id not in chat.members:
        raise bad_request("PARTICIPANT_ID_INVALID")
    user = chat.members[user_id]
    if user_id not in chat.admins:
        return {"user": user, "status": "member"}
    return {"user": user, "status": "creator", "is_anonymous": user_id in chat.anonymous}


METHODS: Dict[str, Method] = {
    "getMe": get_me,
    "getChatMember": get_chat_member,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    **_profile_methods("Name", 64),
    **_profile_methods("Description", 512),
    **_profile_methods("ShortDescription", 120),
}
