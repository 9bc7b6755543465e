"""Orders as users give them."""

from __future__ import annotations

import itertools

from bot.storage.orders import Order
from bot.storage.styles import StyleChoice, alone
from runtime import StylizeOptions

_numbers = itertools.count(1)


def order(user_id=1, **changes):
    values = {
        "idempotency_key": f"update:{next(_numbers)}",
        "user_id": user_id,
        "chat_id": user_id,
        "reply_to": 10,
        "language": "en",
        "picture": 1,
        "options": StylizeOptions(size=64),
        "styles": alone(StyleChoice(name="night-swirls")),
    }
    return Order(**{**values, **changes})


def style_of(order):
    """The one style of an order."""
    (style,) = order.styles
    return style.choice
