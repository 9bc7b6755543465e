"""Progress and cancellation of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional, Protocol

from PIL import Image

from runtime.errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """The state after one step of at most `steps`; a job may end sooner.

    share: how much of the work is done, from 0 to 1: the steps of the stages differ in time.
    loss: what an optimiser lowers, `None` where there is none.
    draw: makes the picture as it is now, in RGB, at the working size or smaller; only valid in the
        callback.
    """

    step: int
    steps: int
    share: float
    loss: Optional[float]
    draw: Callable[[], Image.Image]


OnProgress = Callable[[Progress], None]


class Event(Protocol):
    """The part of `threading.Event` and `multiprocessing.Event` that a job uses."""

    def is_set(self) -> bool:
        """Whether the job should stop."""


def check_cancel(cancel: Optional[Event]) -> None:
    """Raise `Cancelled` if `cancel` is set."""
    if cancel is not None and cancel.is_set():
        raise Cancelled("The job was cancelled.")
