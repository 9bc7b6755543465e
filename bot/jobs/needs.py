"""What an order asks of its painter."""

from __future__ import annotations

from bot.painting.painters import Needs
from bot.storage.orders import Order
from bot.stored_options import Kind
from runtime import StylizeOptions


def needs_of(order: Order) -> Needs:
    """What the order's painter must have."""
    options = order.options
    size = options.fine if isinstance(options, StylizeOptions) else 0
    return Needs(model=order.model, size=size, video=order.kind is Kind.VIDEO)
