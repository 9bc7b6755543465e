"""The methods that receive: updates by web hook or long polling, and files."""

from __future__ import annotations

import re
from typing import Dict, List
from urllib.parse import urlsplit

from bot.sandbox.api.arguments import Arguments, Json
from bot.sandbox.api.sending import Method
from bot.sandbox.errors import ApiError, bad_request
from bot.sandbox.model.state import State
from bot.sandbox.model.update_queue import POLL_LIMIT
from bot.sandbox.model.webhook_delivery import DEFAULT_CONNECTIONS, Webhook, parse_allowed

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


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
    state.delivery.set(Webhook(url, secret, connections))
    return True


async def delete_webhook(state: State, arguments: Arguments) -> bool:
    """`deleteWebhook`."""
    state.delivery.set(Webhook())
    if arguments.flag("drop_pending_updates"):
        state.updates.drop()
    return True


async def get_webhook_info(state: State, arguments: Arguments) -> Json:
    """`getWebhookInfo`."""
    return state.delivery.info()


async def get_updates(state: State, arguments: Arguments) -> List[Json]:
    """`getUpdates`, by long polling."""
    if state.delivery.hook.url:
        raise ApiError(
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


async def get_file(state: State, arguments: Arguments) -> Json:
    """`getFile`: for files up to 20 MB."""
    return state.files.publish(arguments.text("file_id"))


def _set_allowed(state: State, arguments: Arguments) -> None:
    """Take the kinds of updates the bot wants; those of the last call if it says nothing."""
    if arguments.values.get("allowed_updates") is not None:
        state.updates.allowed = parse_allowed(arguments.nested("allowed_updates"))


METHODS: Dict[str, Method] = {
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "getUpdates": get_updates,
    "getFile": get_file,
}
