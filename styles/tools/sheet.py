"""Pictures of flat shapes: overlapping planes of colour, each filled by its own brush strokes."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import numpy as np

from styles.tools.canvas import Brush, Canvas, Marks, cover
from styles.tools.colours import vary
from styles.tools.fields import Array, Flow, Scalar, generator, mix, sample


class Sheet:
    """Planes of colour on a canvas, where overlapping planes make regions of their own.

    `plan` is the colour [H, W, 3], `regions` an integer [H, W], `turn` the direction of the
    strokes in radians [H, W].
    """

    def __init__(self, canvas: Canvas, ground: Array) -> None:
        """Start with one plane of a colour [3] or a picture [H, W, 3]."""
        self.canvas = canvas
        self.plan = np.empty(canvas.shape + (3,), np.float32)
        self.plan[:] = ground
        self.regions = np.zeros(canvas.shape, np.int64)
        self.turn = np.zeros(canvas.shape, np.float32)
        self._planes = 0

    def add(
        self, mask: Array, colour: Array, turn: Optional[Scalar] = None, opacity: float = 1.0
    ) -> None:
        """Lay a plane: mask bool [H, W]; colour [3] or [H, W, 3]; turn scalar or [H, W]."""
        self._planes += 1
        paint = np.broadcast_to(colour, self.plan.shape)[mask]
        self.plan[mask] = mix(self.plan[mask], paint, np.full(len(paint), opacity, np.float32))
        if opacity < 1:
            # Seen through glass: what lies below keeps its outlines.
            self.regions[mask] = (self.regions[mask] * 31 + self._planes) % 1_000_003
        else:
            self.regions[mask] = 1_000_003 + self._planes
        if turn is not None:
            self.turn[mask] = np.broadcast_to(turn, self.turn.shape)[mask]

    def paint(
        self,
        stream: int,
        layers: Sequence[Tuple[float, float, float]],
        brush: Brush,
        spread: float = 0.05,
        hue: float = 0.025,
    ) -> None:
        """Fill every region with strokes: layers of (spacing, length, width)."""
        self.canvas.lay(self.plan)
        flow: Flow = (np.cos(self.turn), np.sin(self.turn))
        for index, (spacing, length, width) in enumerate(layers):
            rng = generator(self.canvas.seed, stream + index)
            x, y = cover(rng, self.canvas.shape, spacing)
            wanted = sample(self.plan, x, y)
            marks = Marks(
                x,
                y,
                length * rng.uniform(0.6, 1.2, len(x)),
                width * rng.uniform(0.7, 1.25, len(x)),
                vary(rng, wanted, spread, hue),
                vary(rng, wanted, spread * 1.6, hue * 1.6),
            )
            self.canvas.stroke(rng, marks, brush, flow, self.regions)

    def line(
        self, stream: int, path: Array, width: float, colour: Array, brush: Optional[Brush] = None
    ) -> None:
        """Draw a line [N, 2] with a loaded brush: short overlapping strokes along it."""
        rng = generator(self.canvas.seed, stream)
        steps = np.diff(path, axis=0)
        reach = np.hypot(steps[:, 0], steps[:, 1])
        total = float(reach.sum())
        count = max(int(total / (2.2 * width)), 2)
        place = np.linspace(0, total, count)
        knots = np.concatenate([[0.0], np.cumsum(reach)])
        x = np.interp(place, knots, path[:, 0])
        y = np.interp(place, knots, path[:, 1])
        piece = np.clip(np.searchsorted(knots, place, side="right") - 1, 0, len(steps) - 1)
        turn = np.arctan2(steps[piece, 1], steps[piece, 0])
        paint = np.broadcast_to(colour, (count, 3))
        marks = Marks(
            x,
            y,
            np.full(count, 4.5 * width),
            width * rng.uniform(0.8, 1.2, count),
            vary(rng, paint, 0.03, 0.01),
            vary(rng, paint, 0.05, 0.02),
            turn,
        )
        still: Flow = (np.ones((2, 2)), np.zeros((2, 2)))
        self.canvas.stroke(rng, marks, brush or Brush(bristles=4, dryness=0.05), still)
