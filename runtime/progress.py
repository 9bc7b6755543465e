"""Progress and cancellation of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional, Protocol

import numpy as np
from PIL import Image

from runtime.errors import Cancelled
from runtime.imaging.reading import to_image


@dataclass(frozen=True)
class Progress:
    """The state after one step of at most `steps`; a job may end sooner.

    `picture` is the best so far, float32 [1, 3, H, W] in [0, 1] at the working size.
    """

    step: int
    steps: int
    loss: float
    picture: np.ndarray

    @property
    def preview(self) -> Image.Image:
        """The best picture so far, at the working size."""
        return to_image(self.picture)


OnProgress = Callable[[Progress], None]


class Event(Protocol):
    """The part of `threading.Event` and `multiprocessing.Event` that a job uses."""

    def is_set(self) -> bool:
        """Whether the job should stop."""


def check_cancel(cancel: Optional[Event]) -> None:
    """Raise `Cancelled` if `cancel` is set."""
    if cancel is not None and cancel.is_set():
        raise Cancelled("The job was cancelled.")
