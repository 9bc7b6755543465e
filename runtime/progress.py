"""What a job reports while it runs, and how it is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional, Protocol

import numpy as np
from PIL import Image

from runtime.errors import Cancelled
from runtime.imaging.picture import to_image


@dataclass(frozen=True)
class Progress:
    """One step done of `steps` at the most; a job may end sooner.

    `picture` is the best one yet, float32 [1, 3, H, W] in [0, 1] at the working size.
    """

    step: int
    steps: int
    loss: float
    picture: np.ndarray

    @property
    def preview(self) -> Image.Image:
        """The best picture yet, at the working size."""
        return to_image(self.picture)


OnProgress = Callable[[Progress], None]


class Event(Protocol):
    """What `threading.Event` and `multiprocessing.Event` have in common here."""

    def is_set(self) -> bool:
        """Whether the job shall stop."""


def check_cancel(cancel: Optional[Event]) -> None:
    """Raise `Cancelled` if the caller asked for it."""
    if cancel is not None and cancel.is_set():
        raise Cancelled("The job was cancelled.")
