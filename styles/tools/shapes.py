"""Drawn shapes as masks and polygons, in picture units."""

from __future__ import annotations

from typing import List, Sequence, Tuple, Union

import numpy as np
from PIL import Image, ImageDraw

from styles.tools.fields import Array

Point = Tuple[float, float]
Outline = Union[Sequence[Point], Array]


def polygon(shape: Tuple[int, int], points: Outline) -> Array:
    """Mask, bool [H, W], of a closed polygon."""
    unit = max(shape)
    sheet = Image.new("L", (shape[1], shape[0]), 0)
    corners = [(float(x) * unit, float(y) * unit) for x, y in points]
    ImageDraw.Draw(sheet).polygon(corners, fill=1)
    return np.asarray(sheet) > 0


def ellipse_points(
    centre: Point, radii: Point, start: float = 0.0, stop: float = 360.0, tilt: float = 0.0
) -> List[Point]:
    """Corners of an ellipse or of a piece of it (degrees, clockwise from the right)."""
    turns = np.radians(np.linspace(start, stop, 48))
    x, y = radii[0] * np.cos(turns), radii[1] * np.sin(turns)
    cosine, sine = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    return list(zip(centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine))


def curve(points: Sequence[Point], count: int = 64) -> Array:
    """A smooth line [count, 2] through the points (Catmull-Rom)."""
    knots = np.array([points[0], *points, points[-1]], float)
    spans = len(points) - 1
    place = np.linspace(0, spans, count)
    index = np.minimum(place.astype(int), spans - 1)
    t = (place - index)[:, None]
    a, b, c, d = (knots[index + k] for k in range(4))
    line: Array = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    return line
