"""How long jobs take on this machine, learnt from those that are done."""

from __future__ import annotations

from typing import Dict, Optional

from bot.storage.jobs import Order
from bot.storage.key_values import KeyValues

#: The share of a new measurement in the remembered one.
_SHARE = 0.3


class Eta:
    """Seconds of a job by its kind and size, an exponential mean over the jobs done."""

    def __init__(self, key_values: KeyValues) -> None:
        self._key_values = key_values
        self._known: Dict[str, Optional[float]] = {}

    async def expected(self, order: Order) -> Optional[float]:
        """Seconds that the job will probably take, `None` before the first of its kind."""
        key = _key(order)
        if key not in self._known:
            value = await self._key_values.get(key)
            self._known[key] = None if value is None else float(value)
        return self._known[key]

    async def learn(self, order: Order, seconds: float) -> None:
        """Take in that such a job took `seconds`."""
        before = await self.expected(order)
        mean = seconds if before is None else before + _SHARE * (seconds - before)
        self._known[_key(order)] = mean
        await self._key_values.set(_key(order), f"{mean:.2f}")


def _key(order: Order) -> str:
    return f"pace:{order.kind}:{order.model or order.settings.size}"
