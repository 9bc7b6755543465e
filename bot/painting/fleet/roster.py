"""What the bot knows of each painter: from its signs of life, and from what it has painted."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Callable, Deque, Dict, List, Optional, Sequence, Union

from bot.backoff import Backoff
from bot.log import Problem
from bot.metrics import FleetMetrics
from bot.painting.fleet.about import Machine
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import About, Hello
from bot.painting.painters import LOCAL, LocalPainter, Needs, PainterState
from bot.threads import on_thread

#: Seconds that a painter rests after a failure of its own: the first time, and at most.
_FIRST_REST, _LONGEST_REST = 1.0, 60.0
#: The share of a new painting in the remembered mean.
_SHARE = 0.3
#: Seconds for which a painter that is away counts as one that comes back.
MEMORY = 3600.0


#: How many earlier starts of a painter are known again.
_SESSIONS = 8

_log = logging.getLogger(__name__)


class Painter:
    """One painter of the fleet. `lease` is in seconds, see `bot.painting.fleet.messages.Work`."""

    def __init__(self, name: str, link: Link, lease: float, metrics: FleetMetrics) -> None:
        self.name = name
        self.about = About()
        self.session: Optional[str] = None
        # The job that it says it has, and whether the bot keeps it for one.
        self.job: Optional[str] = None
        self.reserved = False
        # Its stream and bucket are there.
        self.admitted = False
        self.painted = self.failed = 0
        self.seconds: Optional[float] = None
        self._link = link
        self._lease = lease
        self._metrics = metrics
        self._heard = time.monotonic()
        self._gone = False
        self._rest_until = 0.0
        self._rests = Backoff(_FIRST_REST, _LONGEST_REST)
        self._former: Deque[str] = deque(maxlen=_SESSIONS)
        self._doubled: Optional[float] = None
        self._problem = Problem(_log)

    @property
    def silence(self) -> float:
        """Seconds since its last sign of life, or since the bot's connection would carry one."""
        since = self._heard if self._gone else max(self._heard, self._link.since)
        return time.monotonic() - since

    @property
    def here(self) -> bool:
        """Whether it is connected, as far as the bot can know."""
        return self._link.up and self.session is not None and self.silence < self._lease

    @property
    def doubled(self) -> bool:
        """Whether two machines say that they are this painter; they are treated as one."""
        return self._doubled is not None and time.monotonic() - self._doubled < 2 * self._lease

    @property
    def remembered(self) -> bool:
        """Whether it is here, or was a short while ago."""
        return self.here or self.silence < MEMORY

    @property
    def free(self) -> bool:
        """Whether a job may be handed to it."""
        resting = time.monotonic() < self._rest_until
        return self.here and self.admitted and not (self.reserved or self.job or resting)

    @property
    def sketching(self) -> bool:
        """Whether a sketch may be asked of it."""
        return self.here and self.admitted and self.about.sketches

    @property
    def state(self) -> PainterState:
        """The painter as its owner sees it."""
        return PainterState(
            name=self.name,
            here=self.here,
            busy=self.reserved,
            silence=self.silence,
            painted=self.painted,
            failed=self.failed,
            backend=self.about.backend,
            seconds=self.seconds,
            temperature=self.about.temperature,
            doubled=self.doubled,
        )

    def hear(self, hello: Hello) -> bool:
        """Take note of a sign of life; returns whether the painter has started since the last one."""
        self.heard()
        before = self.session
        is_new = hello.session != before
        if is_new and before is not None and hello.session in self._former:
            # The one that seemed to have started again is still there.
            is_new, self._doubled = False, time.monotonic()
        else:
            if is_new and before is not None:
                self._former.append(before)
            self.session, self.job, self.about = hello.session, hello.job, hello.about
        self._problem.report(
            f"Two machines have the credentials of the painter {self.name}. Give each its own:"
            " `scripts/fleet add`."
            if self.doubled
            else None
        )
        return is_new

    def leave(self) -> None:
        """Take note that it has stopped."""
        self.session = self.job = None

    def note_outage(self) -> None:
        """The bot's connection is lost: who was away before does not count as back after it."""
        self._gone = self.silence >= self._lease

    def heard(self) -> None:
        """Take note that it is there."""
        self._heard, self._gone = time.monotonic(), False
        self._metrics.heard(
            self.name,
            busy=self.reserved,
            backend=self.about.backend,
            temperature=self.about.temperature,
        )

    def succeeded(self, seconds: float) -> None:
        """Take note of a painting that took so many seconds."""
        self.painted += 1
        before = self.seconds
        self.seconds = seconds if before is None else before + _SHARE * (seconds - before)
        self._rests.reset()
        self._metrics.painted(self.name, seconds)

    def failed_once(self) -> float:
        """Let it rest after a failure, longer each time; returns the seconds."""
        self.failed += 1
        rest = self._rests.next()
        self._rest_until = time.monotonic() + rest
        self._metrics.failed(self.name)
        return rest


class OwnMachine:
    """The bot's own machine beside its painters; `local` paints."""

    name = LOCAL
    here = remembered = True
    seconds: Optional[float] = None

    def __init__(self, local: LocalPainter, machine: Machine) -> None:
        self.local = local
        self.about = About()
        self._machine = machine

    @property
    def free(self) -> bool:
        """Whether it has no job."""
        return self.local.idle

    async def look(self) -> None:
        """Take note of what is installed now."""
        self.about = await on_thread(self._machine.describe, None, None)


class Roster:
    """The painters by name, and `own` where the bot's machine paints too."""

    def __init__(
        self, make: Callable[[str], Painter], link: Link, own: Optional[OwnMachine] = None
    ) -> None:
        self._make = make
        self._link = link
        self._own = own
        self._painters: Dict[str, Painter] = {}

    def __getitem__(self, name: str) -> Painter:
        """The painter of that name, a new one the first time."""
        if name not in self._painters:
            self._painters[name] = self._make(name)
        return self._painters[name]

    @property
    def all(self) -> List[Painter]:
        """Those that were ever heard of since the bot started, by name."""
        return [self._painters[name] for name in sorted(self._painters)]

    @property
    def generators(self) -> Sequence[str]:
        """The generators of the painters, not of `own`."""
        return [name for each in self.all if each.remembered for name in each.about.generators]

    def able(self, needs: Needs) -> List[Union[Painter, OwnMachine]]:
        """Those that are here and can do it, the fastest first, and the bot's machine last.

        A picture that is too large for every one of them goes to any: it is painted in tiles. So
        does what none can do and none is expected to: the user learns from it what is missing.
        """
        everybody: List[Union[Painter, OwnMachine]] = [*self.all]
        if self._own is not None:
            everybody.append(self._own)
        here = [each for each in everybody if each.here]
        found = [each for each in here if _can(each.about, needs)]
        if not found and self._settled:
            expected = any(_can(each.about, needs) for each in everybody if each.remembered)
            found = [] if expected else here
        fitting = [each for each in found if needs.size <= each.about.largest] or found
        return sorted(fitting, key=lambda each: (each.name == LOCAL, each.seconds or 0.0))

    @property
    def _settled(self) -> bool:
        """Whether every painter that is in use was heard of."""
        return time.monotonic() - self._link.since >= MEMORY


def _can(about: About, needs: Needs) -> bool:
    """Whether a machine has the generator, and what videos need."""
    has_model = needs.model is None or needs.model in about.generators
    return has_model and about.videos >= needs.video
