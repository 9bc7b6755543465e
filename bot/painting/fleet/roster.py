"""What the bot knows of each painter: from its signs of life, and from what it has painted."""

from __future__ import annotations

import time
from typing import Callable, Dict, List, Optional

from bot.backoff import Backoff
from bot.metrics import FleetMetrics
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import About, Hello
from bot.painting.painters import Needs, PainterState

#: Seconds that a painter rests after a failure of its own: the first time, and at most.
_FIRST_REST, _LONGEST_REST = 1.0, 60.0
#: The share of a new painting in the remembered mean.
_SHARE = 0.3


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
        self._rest_until = 0.0
        self._rests = Backoff(_FIRST_REST, _LONGEST_REST)

    @property
    def silence(self) -> float:
        """Seconds since its last sign of life, those without a connection not counted."""
        return time.monotonic() - max(self._heard, self._link.since)

    @property
    def here(self) -> bool:
        """Whether it is connected, as far as the bot can know."""
        return self._link.up and self.session is not None and self.silence < self._lease

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
        )

    def hear(self, hello: Hello) -> None:
        """Take note of a sign of life."""
        self.session, self.job, self.about = hello.session, hello.job, hello.about
        self.heard()

    def leave(self) -> None:
        """Take note that it has stopped."""
        self.session = self.job = None

    def heard(self) -> None:
        """Take note that it is there."""
        self._heard = time.monotonic()
        self._metrics.heard(
            self.name,
            busy=self.reserved,
            backend=self.about.backend,
            temperature=self.about.temperature,
        )

    def able(self, needs: Needs) -> bool:
        """Whether it has the generator; its size is for `fits`."""
        return needs.model is None or needs.model in self.about.generators

    def fits(self, needs: Needs) -> bool:
        """Whether it has the memory for a picture of that size, and what videos need."""
        return needs.size <= self.about.largest and self.about.videos >= needs.video

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


class Roster:
    """The painters by name."""

    def __init__(self, make: Callable[[str], Painter]) -> None:
        self._make = make
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

    def able(self, needs: Needs) -> List[Painter]:
        """Those that are here and can do it, the fastest first.

        A picture that is too large for every one of them goes to any: it is painted in tiles. So
        does a video that none can repaint: its user is told what is missing.
        """
        found = [each for each in self.all if each.here and each.able(needs)]
        fitting = [each for each in found if each.fits(needs)] or found
        return sorted(fitting, key=lambda each: each.seconds or 0.0)
