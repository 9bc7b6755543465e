"""What a painting reports: steps and shares of the work over both stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Sequence

from PIL import Image

from runtime import lbfgs
from runtime.progress import OnProgress, Progress

#: Called after every evaluation of a stage, with a function that draws the picture as it is.
Report = Callable[[lbfgs.Evaluation, Callable[[], Image.Image]], None]


@dataclass(frozen=True)
class Work:
    """A part of a painting: at most `steps` evaluations, each of this `cost` in any unit."""

    steps: int
    cost: float


class Reports:
    """Turns the evaluations of the parts of a painting, one after the other, into progress."""

    def __init__(self, on_progress: OnProgress, parts: Sequence[Work]) -> None:
        self._on_progress = on_progress
        self._parts = parts
        self._steps = sum(part.steps for part in parts)
        self._work = sum(part.steps * part.cost for part in parts)

    def of(self, part: int) -> Report:
        """The report of the part of this number."""
        before = self._parts[:part]
        steps = sum(each.steps for each in before)
        work = sum(each.steps * each.cost for each in before)
        cost = self._parts[part].cost

        def report(state: lbfgs.Evaluation, draw: Callable[[], Image.Image]) -> None:
            self._on_progress(
                Progress(
                    step=steps + state.count,
                    steps=self._steps,
                    share=(work + state.count * cost) / self._work,
                    loss=state.best_loss,
                    draw=draw,
                )
            )

        return report
