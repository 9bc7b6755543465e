"""The bot's side of the fleet: it admits painters and hands each one job at a time.

The order of the jobs is the scheduler's. Here is only who may paint the next one.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Sequence, Union

from bot.background import Background
from bot.errors import FleetError, PaintingFailed
from bot.log import Problem
from bot.metrics import FleetMetrics
from bot.painting.fleet import subjects
from bot.painting.fleet.delivery import TAKEN, Delivery, files_of
from bot.painting.fleet.link import Link, make_consumer, make_stream
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
from bot.painting.fleet.roster import OwnMachine, Painter, Roster
from bot.painting.fleet.sketches import SketchOrders
from bot.painting.painters import Lack, Needs, PainterState, Place
from bot.painting.protocol import SketchRequest
from bot.status_words import NO_CONNECTION

if TYPE_CHECKING:
    from nats.aio.msg import Msg

#: Seconds without a sign of life after which a job is given to another painter.
LEASE = 30.0
#: How many times in a lease a painter gives a sign of life, and the bot looks who has fallen silent.
BEATS = 3
#: Seconds that painters have to say hello after the bot has connected.
_GREETING = 5.0

_log = logging.getLogger(__name__)


class Fleet:
    """The painters of this bot, as `bot.painting.painters.Painters`: those of the fleet and `own`.

    own: the bot's machine, where it paints. lease: in seconds.
    """

    def __init__(
        self,
        link: Link,
        *,
        metrics: FleetMetrics,
        own: Optional[OwnMachine] = None,
        lease: float = LEASE,
    ) -> None:
        self._link = link
        self._own = own
        self._lease = lease
        self._run = secrets.token_hex(8)
        self._count = 0
        self._deliveries: Dict[str, Delivery] = {}
        self._listeners: List[Callable[[], None]] = []
        self._work = Background()
        self._sketches = SketchOrders(link, self._run)
        self.roster = Roster(lambda name: Painter(name, link, lease, metrics), link, own)
        self._started = time.monotonic()
        link.listen(self._link_changed)

    @property
    def idle(self) -> bool:
        """Whether any painter is free."""
        here = self._own is not None and self._own.free
        return here or any(each.free for each in self.roster.all)

    def reserve(self, needs: Needs) -> Optional[Place]:
        """The fastest painter that is free and can do it; this machine's own comes last."""
        for painter in self.roster.able(needs):
            if painter.free:
                if isinstance(painter, OwnMachine):
                    return painter.local.reserve(needs)
                painter.reserved = True
                return self._delivery(painter)
        return None

    def able(self, needs: Needs) -> Sequence[str]:
        """The names of the painters that can do it."""
        return [each.name for each in self.roster.able(needs)]

    def lack(self, needs: Needs) -> Optional[Lack]:
        """Why nobody can do it for now; nothing before the painters have had time to say hello."""
        since = max(self._started, self._link.since if self._link.up else 0.0)
        if self.roster.able(needs) or time.monotonic() - since < _GREETING:
            return None
        return Lack.ABILITY if self.roster.able(Needs()) else Lack.PAINTER

    @property
    def here(self) -> bool:
        """Whether this machine paints."""
        return self._own is not None

    def generators(self) -> Sequence[str]:
        """The generators of the painters, also those that are away for a while."""
        return self.roster.generators

    async def sketch(self, request: SketchRequest, *, within: float) -> None:
        """Sketch here, if this machine can, or else on a painter, if possible on one that has no job."""
        here = [each for each in self.roster.all if each.sketching]
        if self._own is not None and (self._own.about.sketches or not here):
            await self._own.local.sketch(request, within=within)
        elif here:
            painter = min(here, key=lambda each: (each.reserved, each.seconds or 0.0))
            await self._sketches.sketch(painter, request, within=within)
        else:
            raise PaintingFailed("No painter of the fleet that is here can sketch.", retriable=True)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a painter may have become free."""
        self._listeners.append(listener)
        if self._own is not None:
            self._own.local.listen(listener)

    async def start(self) -> None:
        """Begin to connect, however long it takes, and start the local painter."""
        self._work.start(self._connect())
        if self._own is not None:
            self._work.start(self._look(self._own))
            await self._own.local.start()

    async def close(self) -> None:
        """Disconnect; the painters stop what they have."""
        await self._work.close()
        await self._link.send(subjects.EVERYONE, WhoIsThere(secrets.token_hex(8)))
        await self._link.close()
        if self._own is not None:
            await self._own.local.close()

    def states(self) -> Sequence[PainterState]:
        """Each painter that was heard of since the bot started."""
        return [each.state for each in self.roster.all]

    def describe(self) -> str:
        """How many painters there are."""
        here = sum(each.here for each in self.roster.all)
        parts = [f"{here} of {len(self.roster.all)} painters in the fleet"]
        if not self._link.up:
            parts = [NO_CONNECTION]
        if self._own is not None:
            parts.append(self._own.local.describe())
        return ", ".join(parts)

    async def _look(self, own: OwnMachine) -> None:
        """Keep up to date what is installed on the bot's machine."""
        while True:
            await own.look()
            self._changed()
            await asyncio.sleep(LEASE / BEATS)

    def _delivery(self, painter: Painter) -> Delivery:
        self._count += 1
        job = f"{self._run}-{self._count}"
        delivery = self._deliveries[job] = Delivery(
            painter, self._link, job=job, run=self._run, lease=self._lease, leave=self._left
        )
        return delivery

    def _left(self, delivery: Delivery) -> None:
        del self._deliveries[delivery.job]
        self._work.start(delivery.remove_files())
        self.roster[delivery.painter].reserved = False
        self._changed()

    def _link_changed(self) -> None:
        if not self._link.up:
            for painter in self.roster.all:
                painter.note_outage()
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    async def _connect(self) -> None:
        try:
            await self._link.open()
        except FleetError as error:
            who = "Nobody" if self._own is None else "Only this machine"
            _log.error("%s %s paints until the bot starts again.", error, who)
            return
        problem = Problem(_log)
        prepared: Optional[float] = None
        while True:
            since = self._link.since
            if self._link.up and prepared != since:
                try:
                    await self._prepare(is_first=prepared is None)
                    prepared = since
                    problem.report(None)
                except FleetError as error:
                    problem.report(str(error))
            # Rests and leases end without a message.
            await asyncio.sleep(min(self._lease / BEATS, 1.0))
            self._changed()

    async def _prepare(self, *, is_first: bool) -> None:
        """Make the stream of jobs, if it is not there, and listen to painters; raises `FleetError`."""
        is_new = await make_stream(self._link)
        if is_first:
            # What an earlier run gave out is queued again.
            await self._link.attempt(self._link.js.purge_stream(subjects.JOBS))
            await self._link.subscribe(subjects.FROM_ANY, self._hear)
            await self._link.send(subjects.EVERYONE, WhoIsThere(self._run))
        elif is_new:
            _log.warning("The server has lost what it kept; what is painted begins again.")
            for painter in self.roster.all:
                self._forget(painter)

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
            self._forget(painter)
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

    def _forget(self, painter: Painter) -> None:
        """Admit the painter again when it is heard again; what it had is for another one."""
        painter.leave()
        self._check_deliveries(painter, None)

    def _check_deliveries(self, painter: Painter, job: Optional[str]) -> None:
        """Look at what a painter has that says its job is `job`."""
        for delivery in self._deliveries.values():
            if delivery.painter == painter.name:
                if delivery.job == job:
                    delivery.keep()
                delivery.check()

    async def _greet(self, painter: Painter, hello: Hello) -> None:
        if painter.hear(hello):
            _log.info("The painter %s is there, on %s.", painter.name, hello.about.backend)
            painter.admitted = False
            self._work.start(self._admit(painter, hello.session))
        self._check_deliveries(painter, hello.job)
        if hello.job is not None and hello.job not in self._deliveries:
            await self._link.send(subjects.to_painter(painter.name), Cancel(hello.job))
        self._changed()

    async def _admit(self, painter: Painter, session: str) -> None:
        """Make what the painter needs on the server, and tell it to fetch jobs."""
        problem = Problem(_log)
        while painter.session == session:
            try:
                await make_consumer(self._link, painter.name, self._lease)
                await Bucket(self._link, painter.name).make()
            except FleetError as error:
                problem.report(f"The painter {painter.name} has to wait: {error}")
                await asyncio.sleep(1)
                continue
            problem.report(None)
            painter.admitted = True
            welcome = Welcome(self._run, self._lease)
            await self._link.send(subjects.to_painter(painter.name), welcome)
            self._changed()
            return
