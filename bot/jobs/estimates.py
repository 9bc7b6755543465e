"""When a job will be done: learned from those before it on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional

from bot.jobs.fair_order import FairQueue
from bot.jobs.progress_board import ProgressBoard
from bot.metrics import Metrics
from bot.storage.jobs import Job
from bot.storage.key_values import KeyValues
from bot.storage.orders import Order
from runtime import StylizeOptions

#: The share of a new measurement in the remembered one.
_SHARE = 0.3
#: From this share of the painting on, its own speed says how long the rest takes.
_MEASURED_FROM = 0.1


@dataclass(frozen=True)
class Estimate:
    """When a job will be done: its place in the queue, 0 while it is painted, and seconds left.

    `seconds` is `None` until a job of each kind that comes before it has been measured.
    """

    place: int
    seconds: Optional[float]


class Durations:
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
        """Remember that such a job took `seconds`."""
        before = await self.expected(order)
        mean = seconds if before is None else before + _SHARE * (seconds - before)
        self._known[_key(order)] = mean
        await self._key_values.set(_key(order), f"{mean:.2f}")


class Estimates:
    """When each job will be done."""

    def __init__(
        self, queue: FairQueue, board: ProgressBoard, durations: Durations, metrics: Metrics
    ) -> None:
        self._queue = queue
        self._board = board
        self._durations = durations
        self._metrics = metrics

    async def all(self) -> Dict[int, Estimate]:
        """The estimates of all queued and running jobs, by the job's id."""
        found: Dict[int, Estimate] = {}
        seconds: Optional[float] = 0.0
        running = self._board.job
        if running is not None:
            seconds = await self._left(running)
            found[running.id] = Estimate(0, seconds)
        waiting = await self._queue.waiting()
        self._metrics.queue_length.set(len(waiting))
        for place, job in enumerate(waiting, start=1):
            expected = await self._durations.expected(job.order)
            seconds = None if seconds is None or expected is None else seconds + expected
            found[job.id] = Estimate(place, seconds)
        return found

    async def of(self, job: Job) -> Optional[Estimate]:
        """The estimate of one job, `None` if it is neither queued nor running."""
        return (await self.all()).get(job.id)

    async def _left(self, job: Job) -> Optional[float]:
        """Seconds that the running job still takes, from its own speed or from those before."""
        elapsed = self._board.elapsed
        progress = self._board.progress(job.id)
        if progress is not None and progress.share > _MEASURED_FROM:
            return elapsed * (1 / progress.share - 1)
        expected = await self._durations.expected(job.order)
        return None if expected is None else max(expected - elapsed, 1.0)


def _key(order: Order) -> str:
    options = order.options
    what = options.fine if isinstance(options, StylizeOptions) else order.model
    return f"eta:{order.kind.value}:{what}"
