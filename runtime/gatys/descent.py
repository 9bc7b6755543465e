"""The descent of a stage: from a start to a picture of a small loss."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Callable, Deque, Mapping, Optional, Tuple

import numpy as np

from runtime import lbfgs
from runtime.backends.base import Backend
from runtime.errors import BackendError
from runtime.progress import Event, check_cancel

#: A descent stops when, after at least `PATIENCE_FROM` evaluations, the last `PATIENCE` of them
#: have reduced the loss by less than the share `MIN_GAIN`.
PATIENCE_FROM, PATIENCE, MIN_GAIN = 40, 10, 0.02


@dataclass(frozen=True)
class Descent:
    """How a stage descends: at most `steps` evaluations; the rest is as in `lbfgs.minimise`."""

    steps: int
    first_step: float = lbfgs.FIRST_STEP
    scale: float = lbfgs.SCALE

    def at_most(self, steps: int) -> Descent:
        """The same with no more than `steps` evaluations."""
        return replace(self, steps=min(self.steps, steps))


def descend(
    backend: Backend,
    feeds: Mapping[str, np.ndarray],
    start: np.ndarray,
    descent: Descent,
    on_step: Callable[[lbfgs.Evaluation], None],
    *,
    cancel: Optional[Event] = None,
) -> np.ndarray:
    """The best picture found from `start` [1, 3, H, W] with the loaded gatys graph.

    `feeds` holds the graph's inputs other than the image.
    Raises `Cancelled` within one evaluation, `BackendError` for a loss that is no number.
    """
    best = start
    losses: Deque[float] = deque(maxlen=PATIENCE + 1)
    evaluations = lbfgs.minimise(
        loss_of(backend, feeds),
        start,
        first_step=descent.first_step,
        scale=descent.scale,
    )
    for state in evaluations:
        check_cancel(cancel)
        if not np.isfinite(state.best_loss):
            raise BackendError(f"{backend.name} gave a loss of {state.loss}; expected a number.")
        best = state.best
        losses.append(state.best_loss)
        on_step(state)
        stalled = losses[0] - losses[-1] < MIN_GAIN * losses[0]
        if state.count >= descent.steps or (state.count >= PATIENCE_FROM and stalled):
            break
    return best


def loss_of(backend: Backend, feeds: Mapping[str, np.ndarray]) -> lbfgs.Evaluate:
    """The loss and its gradient as a function of the image, from a loaded gatys graph.

    `feeds` holds the graph's inputs other than the image.
    """
    style_weights = feeds["style_weights"].astype(np.float64)
    content_weight = float(feeds["content_weight"][0])

    def evaluate(image: np.ndarray) -> Tuple[float, np.ndarray]:
        terms = backend.run({**feeds, "image": image})
        loss = float(np.dot(style_weights, terms["style_losses"]))
        return loss + content_weight * float(terms["content_loss"][0]), terms["gradient"]

    return evaluate
