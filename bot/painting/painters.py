"""Who paints: one child process, or a fleet of machines. The scheduler sees only what is here.

A painter is reserved for a job before the job leaves the queue, so that a job is taken only when
somebody is free to paint it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Callable, List, Optional, Sequence

from typing_extensions import Protocol

from bot.painting.client import OnProgress, PainterClient
from bot.painting.protocol import PaintRequest, PaintResult, SketchRequest
from bot.status_words import NO_BACKEND, NO_PAINTER

#: The name of the painter that is this machine's own child process.
LOCAL = ""


@dataclass(frozen=True)
class Needs:
    """What a job asks of its painter.

    model: a generator. size: the longer side in pixels. video: whether a video is repainted.
    """

    model: Optional[str] = None
    size: int = 0
    video: bool = False


class Lack(Enum):
    """Why nobody can paint a job for now."""

    #: No painter is there.
    PAINTER = "painter"
    #: Painters are there, and those that can do it are not.
    ABILITY = "ability"


@dataclass(frozen=True)
class PainterState:
    """A painter of a fleet, for its owner.

    silence: seconds since its last sign of life. here: whether jobs may go to it. painted, failed:
    attempts since the bot started. seconds: the mean of its paintings. temperature: in degrees Celsius.
    doubled: whether two machines have its credentials.
    """

    name: str
    here: bool
    busy: bool
    silence: float
    painted: int
    failed: int
    backend: Optional[str] = None
    seconds: Optional[float] = None
    temperature: Optional[float] = None
    doubled: bool = False


class Place(Protocol):
    """A painter that is reserved for one job; call `leave` when the job is done with it."""

    @property
    def painter(self) -> str:
        """The painter's name."""

    async def submit(self, request: PaintRequest, *, on_progress: OnProgress) -> PaintResult:
        """Paint `request`, as `PainterClient.submit` does; raises `PainterLost` too."""

    def leave(self) -> None:
        """Let the next job have the painter."""


class Painters(Protocol):
    """All painters of this bot."""

    @property
    def idle(self) -> bool:
        """Whether any of them is free."""

    def reserve(self, needs: Needs) -> Optional[Place]:
        """A free painter that can do it, `None` while there is none."""

    def able(self, needs: Needs) -> Sequence[str]:
        """The names of the painters, free or not, that can do it."""

    def lack(self, needs: Needs) -> Optional[Lack]:
        """Why nobody can do it for now, `None` if somebody can."""

    @property
    def here(self) -> bool:
        """Whether this machine paints: what is installed here can be done."""

    def generators(self) -> Sequence[str]:
        """The generators that painters on other machines have, also those away for a while."""

    async def sketch(self, request: SketchRequest, *, within: float) -> None:
        """Sketch `request` beside what is painted, as `PainterClient.sketch` does."""

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a painter may have become free."""

    async def start(self) -> None:
        """Get ready; raises `PaintingError` if that fails, and jobs may be submitted anyway."""

    async def close(self) -> None:
        """End what was started; what is still submitted ends in `PainterDied`."""

    def states(self) -> Sequence[PainterState]:
        """Each painter of the fleet; none where this machine paints alone."""

    def describe(self) -> str:
        """Who paints, in a few words for `systemctl status`."""


class LocalPainter:
    """The child process of this machine, which has room for one job at a time."""

    painter = LOCAL

    def __init__(self, client: PainterClient) -> None:
        self._client = client
        self._reserved = False
        self._listeners: List[Callable[[], None]] = []

    @property
    def idle(self) -> bool:
        """Whether it has no job."""
        return not self._reserved

    def reserve(self, needs: Needs) -> Optional[Place]:
        """This painter, `None` while it has a job."""
        if self._reserved:
            return None
        self._reserved = True
        return self

    def able(self, needs: Needs) -> Sequence[str]:
        """This painter: it fails with a sentence where it cannot do something."""
        return (LOCAL,)

    def lack(self, needs: Needs) -> Optional[Lack]:
        """Nothing, as it can do all."""
        return None

    here = True

    def generators(self) -> Sequence[str]:
        """None: there are no other machines."""
        return ()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the painter becomes free."""
        self._listeners.append(listener)

    async def submit(self, request: PaintRequest, *, on_progress: OnProgress) -> PaintResult:
        """Paint `request` in the child process."""
        return await self._client.submit(request, on_progress=on_progress)

    async def sketch(self, request: SketchRequest, *, within: float) -> None:
        """Sketch `request` in the child process, whether it paints or not."""
        await self._client.sketch(request, within=within)

    def leave(self) -> None:
        """Let the next job have the painter."""
        self._reserved = False
        for listener in self._listeners:
            listener()

    async def start(self) -> None:
        """Start the child process before the first photo comes."""
        await self._client.start()

    async def close(self) -> None:
        """End the child process."""
        await self._client.close()

    def states(self) -> Sequence[PainterState]:
        """None: the owner knows this machine."""
        return ()

    def describe(self) -> str:
        """What the child process paints with."""
        if self._client.pid is None:
            return NO_PAINTER
        return f"painter on {self._client.backend or NO_BACKEND}"
