"""The bot's side of the fleet: it admits painters and hands each one job at a time.

The order of the jobs is the scheduler's. Here is only who may paint the next one.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Sequence, Set, Union

from bot.errors import FleetError, PaintingFailed
from bot.metrics import FleetMetrics
from bot.painting.fleet import subjects
from bot.painting.fleet.delivery import TAKEN, Delivery, files_of
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import (
    Cancel,
    Ended,
    Goodbye,
    Hello,
    Sketched,
    Step,
    Welcome,
    WhoIsThere,
    decode,
)
from bot.painting.fleet.pictures import Bucket
from bot.painting.fleet.roster import Painter, Roster
from bot.painting.fleet.sketches import SketchOrders
from bot.painting.painters import LOCAL, LocalPainter, Needs, PainterState, Place
from bot.painting.protocol import SketchRequest

if TYPE_CHECKING:
    from nats.aio.msg import Msg

#: Seconds without a sign of life after which a job is given to another painter.
LEASE = 30.0
#: How many times in a lease a painter gives a sign of life, and the bot looks who has fallen silent.
BEATS = 3

_log = logging.getLogger(__name__)


class Fleet:
    """The painters of this bot, as `bot.painting.painters.Painters`: those of the fleet and `local`.

    lease: in seconds.
    """

    def __init__(
        self,
        link: Link,
        *,
        metrics: FleetMetrics,
        local: Optional[LocalPainter] = None,
        lease: float = LEASE,
    ) -> None:
        self._link = link
        self._local = local
        self._lease = lease
        self._run = secrets.token_hex(8)
        self._count = 0
        self._deliveries: Dict[str, Delivery] = {}
        self._listeners: List[Callable[[], None]] = []
        self._tasks: Set[asyncio.Future[None]] = set()
        self._sketches = SketchOrders(link, self._run)
        self.roster = Roster(lambda name: Painter(name, link, lease, metrics))
        link.listen(self._changed)

    @property
    def idle(self) -> bool:
        """Whether any painter is free."""
        here = self._local is not None and self._local.idle
        return here or any(each.free for each in self.roster.all)

    def reserve(self, needs: Needs) -> Optional[Place]:
        """The fastest painter that is free and can do it; this machine's own comes last."""
        for painter in self.roster.able(needs):
            if painter.free:
                painter.reserved = True
                return self._delivery(painter)
        return None if self._local is None else self._local.reserve(needs)

    def able(self, needs: Needs) -> Sequence[str]:
        """The names of the painters that can do it."""
        names = [each.name for each in self.roster.able(needs)]
        return names if self._local is None else [*names, LOCAL]

    async def sketch(self, request: SketchRequest, *, within: float) -> None:
        """Sketch here, or else on a painter, if possible on one that has no job."""
        here = [each for each in self.roster.all if each.sketching]
        if self._local is not None:
            await self._local.sketch(request, within=within)
        elif here:
            painter = min(here, key=lambda each: (each.reserved, each.seconds or 0.0))
            await self._sketches.sketch(painter, request, within=within)
        else:
            raise PaintingFailed("No painter of the fleet that is here can sketch.", retriable=True)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a painter may have become free."""
        self._listeners.append(listener)
        if self._local is not None:
            self._local.listen(listener)

    async def start(self) -> None:
        """Begin to connect, however long it takes, and start the local painter."""
        self._keep(asyncio.ensure_future(self._connect()))
        if self._local is not None:
            await self._local.start()

    async def close(self) -> None:
        """Disconnect; the painters stop what they have."""
        for task in list(self._tasks):
            task.cancel()
        if self._link.up:
            await self._link.send(subjects.EVERYONE, WhoIsThere(secrets.token_hex(8)))
        await self._link.close()
        if self._local is not None:
            await self._local.close()

    def states(self) -> Sequence[PainterState]:
        """Each painter that was heard of since the bot started."""
        return [each.state for each in self.roster.all]

    def describe(self) -> str:
        """How many painters there are."""
        here = sum(each.here for each in self.roster.all)
        parts = [f"{here} of {len(self.roster.all)} painters in the fleet"]
        if not self._link.up:
            parts = ["no connection to the fleet"]
        if self._local is not None:
            parts.append(self._local.describe())
        return ", ".join(parts)

    def _delivery(self, painter: Painter) -> Delivery:
        self._count += 1
        job = f"{self._run}-{self._count}"
        delivery = self._deliveries[job] = Delivery(
            painter, self._link, job=job, run=self._run, lease=self._lease, leave=self._left
        )
        return delivery

    def _left(self, delivery: Delivery) -> None:
        del self._deliveries[delivery.job]
        if delivery.removing is not None:
            self._keep(delivery.removing)
        self.roster[delivery.painter].reserved = False
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    async def _connect(self) -> None:
        try:
            await self._link.open()
        except FleetError as error:
            _log.error("%s Only this machine paints until the bot starts again.", error)
            return
        while True:
            try:
                await self._make_stream()
                break
            except FleetError as error:
                _log.warning("%s", error)
                await asyncio.sleep(1)
        await self._link.subscribe(subjects.FROM_ANY, self._hear)
        await self._link.send(subjects.EVERYONE, WhoIsThere(self._run))
        while True:
            # Rests and leases end without a message.
            await asyncio.sleep(min(self._lease / BEATS, 1.0))
            self._changed()

    async def _make_stream(self) -> None:
        """Make the stream of jobs, empty: what an earlier run gave out is queued again."""
        from nats.js.api import RetentionPolicy, StorageType, StreamConfig

        config = StreamConfig(
            name=subjects.JOBS,
            subjects=[subjects.ANY_JOB],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            max_age=3600.0,
            max_bytes=64 << 20,
        )
        await self._link.attempt(self._link.js.add_stream(config))
        await self._link.attempt(self._link.js.purge_stream(subjects.JOBS))

    async def _hear(self, raw: Msg) -> None:
        name = subjects.sender(raw.subject)
        try:
            message = decode(raw.data)
        except FleetError as error:
            _log.warning("From the painter %s: %s", name, error)
            return
        painter = self.roster[name]
        if isinstance(message, Hello):
            await self._greet(painter, message)
        elif isinstance(message, Goodbye):
            painter.leave()
            self._check_deliveries(painter, None)
        elif isinstance(message, Sketched):
            self._sketches.hear(message)
        elif isinstance(message, (Step, Ended)):
            painter.heard()
            delivery = self._deliveries.get(message.job)
            if delivery is not None and delivery.painter == name:
                delivery.hear(message, raw)
            else:
                await self._discard(painter, message, raw)

    async def _discard(self, painter: Painter, message: Union[Step, Ended], raw: Msg) -> None:
        """Answer what is stale: the job has another painter, or its end."""
        if raw.reply:
            await self._link.reply(raw, TAKEN)
        try:
            await Bucket(self._link, painter.name).remove(files_of(message))
        except FleetError as error:
            _log.info("The files of %s stay for an hour: %s", painter.name, error)

    def _check_deliveries(self, painter: Painter, job: Optional[str]) -> None:
        """Look at what a painter has that says its job is `job`."""
        for delivery in self._deliveries.values():
            if delivery.painter == painter.name:
                if delivery.job == job:
                    delivery.keep()
                delivery.check()

    async def _greet(self, painter: Painter, hello: Hello) -> None:
        known = painter.session == hello.session
        painter.hear(hello)
        if not known:
            _log.info("The painter %s is there, on %s.", painter.name, hello.about.backend)
            painter.admitted = False
            admitting = asyncio.ensure_future(self._admit(painter, hello.session))
            self._keep(admitting)
        self._check_deliveries(painter, hello.job)
        if hello.job is not None and hello.job not in self._deliveries:
            await self._link.send(subjects.to_painter(painter.name), Cancel(hello.job))
        self._changed()

    def _keep(self, task: asyncio.Future[None]) -> None:
        """Keep a task until it is done: the loop itself does not."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _admit(self, painter: Painter, session: str) -> None:
        """Make what the painter needs on the server, and tell it to fetch jobs."""
        while painter.session == session:
            try:
                await self._make_consumer(painter)
                await Bucket(self._link, painter.name).make()
            except FleetError as error:
                _log.warning("The painter %s has to wait: %s", painter.name, error)
                await asyncio.sleep(1)
                continue
            painter.admitted = True
            welcome = Welcome(self._run, self._lease)
            await self._link.send(subjects.to_painter(painter.name), welcome)
            self._changed()
            return

    async def _make_consumer(self, painter: Painter) -> None:
        from nats.js.api import AckPolicy, ConsumerConfig

        config = ConsumerConfig(
            durable_name=painter.name,
            filter_subject=subjects.job_subject(painter.name),
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self._lease,
            max_ack_pending=1,
        )
        await self._link.attempt(self._link.js.add_consumer(subjects.JOBS, config))
