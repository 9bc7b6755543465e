"""When a job will be done: learned from those before it, for each painter by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Sequence, Tuple

from bot.jobs.fair_order import FairQueue
from bot.jobs.needs import needs_of
from bot.jobs.progress_board import Painting, ProgressBoard
from bot.metrics import Metrics
from bot.painting.painters import LOCAL, Lack, Needs, Painters
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

    `seconds` is `None` until a job of each kind that comes before it has been measured. `lack` says
    why nobody can paint it for now.
    """

    place: int
    seconds: Optional[float]
    lack: Optional[Lack] = None


class Durations:
    """Seconds of a job by its kind and size, an exponential mean over the jobs done.

    The mean of all painters stands in for one that has done no such job yet.
    """

    def __init__(self, key_values: KeyValues) -> None:
        self._key_values = key_values
        self._known: Dict[str, Optional[float]] = {}

    async def expected(self, order: Order, painter: str = LOCAL) -> Optional[float]:
        """Seconds that the job will probably take, `None` before the first of its kind."""
        own = await self._mean(_key(order, painter))
        return own if own is not None or painter == LOCAL else await self._mean(_key(order))

    async def learn(self, order: Order, seconds: float, painter: str = LOCAL) -> None:
        """Remember that such a job took `painter` so many seconds."""
        for key in sorted({_key(order), _key(order, painter)}):
            before = await self._mean(key)
            mean = seconds if before is None else before + _SHARE * (seconds - before)
            self._known[key] = mean
            await self._key_values.set(key, f"{mean:.2f}")

    async def _mean(self, key: str) -> Optional[float]:
        if key not in self._known:
            value = await self._key_values.get(key)
            self._known[key] = None if value is None else float(value)
        return self._known[key]


class Estimates:
    """When each job will be done."""

    def __init__(
        self,
        queue: FairQueue,
        board: ProgressBoard,
        durations: Durations,
        painters: Painters,
        metrics: Metrics,
    ) -> None:
        self._queue = queue
        self._board = board
        self._durations = durations
        self._painters = painters
        self._metrics = metrics

    async def all(self) -> Dict[int, Estimate]:
        """The estimates of all queued and running jobs, by the job's id."""
        found: Dict[int, Estimate] = {}
        # Seconds until each painter has done its jobs, as far as they are known.
        busy: Dict[str, Optional[float]] = {}
        for painting in self._board.paintings:
            seconds = busy[painting.painter] = await self._left(painting)
            found[painting.job.id] = Estimate(0, seconds)
        waiting = await self._queue.waiting()
        self._metrics.queue_length.set(len(waiting))
        # Most jobs need the same: the painters are asked once for all of them.
        answers: Dict[Needs, Tuple[Sequence[str], Optional[Lack]]] = {}
        for place, job in enumerate(waiting, start=1):
            needs = needs_of(job.order)
            if needs not in answers:
                answers[needs] = self._painters.able(needs), self._painters.lack(needs)
            able, lack = answers[needs]
            found[job.id] = Estimate(place, await self._queue_up(job, able, busy), lack)
        return found

    async def of(self, job: Job) -> Optional[Estimate]:
        """The estimate of one job, `None` if it is neither queued nor running."""
        return (await self.all()).get(job.id)

    async def _queue_up(
        self, job: Job, able: Sequence[str], busy: Dict[str, Optional[float]]
    ) -> Optional[float]:
        """Seconds until the job is done by the one of `able` that is free first, `busy` so long."""
        if not able:
            return None

        def free(painter: str) -> Tuple[bool, float]:
            seconds = busy.get(painter, 0.0)
            return seconds is None, seconds or 0.0

        painter = min(able, key=free)
        begin = busy.get(painter, 0.0)
        expected = await self._durations.expected(job.order, painter)
        end = None if begin is None or expected is None else begin + expected
        busy[painter] = end
        return end

    async def _left(self, painting: Painting) -> Optional[float]:
        """Seconds that a running job still takes, from its own speed or from those before."""
        elapsed, progress = painting.elapsed, painting.progress
        if progress is not None and progress.share > _MEASURED_FROM:
            return elapsed * (1 / progress.share - 1)
        expected = await self._durations.expected(painting.job.order, painting.painter)
        return None if expected is None else max(expected - elapsed, 1.0)


def _key(order: Order, painter: str = LOCAL) -> str:
    options = order.options
    what = options.fine if isinstance(options, StylizeOptions) else order.model
    whose = f"@{painter}" if painter != LOCAL else ""
    return f"eta:{order.kind.value}:{what}{whose}"
