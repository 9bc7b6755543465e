"""Orders as users give them."""

from __future__ import annotations

import itertools

from bot.painting.protocol import STYLIZE
from bot.storage.jobs import Order
from bot.storage.users import Settings, StyleChoice

_numbers = itertools.count(1)


def order(user_id=1, **changes):
    values = {
        "dedupe": f"update:{next(_numbers)}",
        "user_id": user_id,
        "chat_id": user_id,
        "reply_to": 10,
        "language": "en",
        "kind": STYLIZE,
        "picture": 1,
        "settings": Settings(strength=0.5, size=64),
        "style": StyleChoice(gallery="night-swirls"),
    }
    return Order(**{**values, **changes})
