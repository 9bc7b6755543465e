"""Noise and flow over the picture plane, the same at every size of the picture.

Coordinates are in units of the picture's longer side: x grows to the right, y grows downwards.
"""

from __future__ import annotations

from typing import Any, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[Any]
Scalar = Union[float, Array]
Flow = Tuple[Array, Array]


def generator(seed: int, stream: int) -> np.random.Generator:
    """One of a painting's independent random streams, so that layers can change on their own."""
    return np.random.default_rng((seed, stream))


def plane(shape: Tuple[int, int]) -> Tuple[Array, Array]:
    """Return x and y, float32 [H, W], of the pixel centres of a picture of this shape."""
    height, width = shape
    unit = max(height, width)
    xs = (np.arange(width, dtype=np.float32) + 0.5) / unit
    ys = (np.arange(height, dtype=np.float32) + 0.5) / unit
    grid_y, grid_x = np.meshgrid(ys, xs, indexing="ij")
    return grid_x, grid_y


def _spline(coordinates: Array, knots: int) -> Array:
    """Cubic B-spline weights [len(coordinates), knots] over a lattice of unit spacing."""
    base = np.floor(coordinates).astype(int)
    t = (coordinates - base).astype(np.float32)
    weights = np.zeros((len(coordinates), knots), np.float32)
    rows = np.arange(len(coordinates))
    parts = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    for offset, part in enumerate(parts):
        weights[rows, base + offset] += part
    return weights


def noise(
    rng: np.random.Generator,
    shape: Tuple[int, int],
    cell: Sequence[float],
    octaves: int = 1,
) -> Array:
    """Smooth random field, float32 [H, W], of mean near 0 and standard deviation near 1.

    `cell` is the size (x, y) of the largest blobs. The lattice depends on it alone, so a picture
    painted at another size gets the same blobs. Octaves finer than two pixels are left out.
    """
    height, width = shape
    unit = max(height, width)
    total = np.zeros(shape, np.float32)
    power = 0.0
    for octave in range(octaves):
        step_x, step_y = cell[0] / 2**octave, cell[1] / 2**octave
        # A square lattice whatever the shape: the draw must not depend on the rounding of sizes.
        lattice = rng.standard_normal((int(1 / step_y) + 5, int(1 / step_x) + 5))
        amplitude = 0.5**octave
        power += amplitude**2
        if octave and max(step_x, step_y) * unit < 2:
            continue
        rows = _spline((np.arange(height) + 0.5) / unit / step_y, lattice.shape[0])
        columns = _spline((np.arange(width) + 0.5) / unit / step_x, lattice.shape[1])
        total += amplitude * (rows @ lattice.astype(np.float32) @ columns.T)
    # 0.48 is the standard deviation that the spline leaves of a lattice of unit variance.
    total /= np.float32(0.48 * np.sqrt(power))
    return total


def sample(field: Array, x: Array, y: Array) -> Array:
    """Values of a field [H, W] or [H, W, C] at points (clamped to the picture)."""
    height, width = field.shape[:2]
    unit = max(height, width)
    columns = np.clip((np.asarray(x) * unit).astype(int), 0, width - 1)
    rows = np.clip((np.asarray(y) * unit).astype(int), 0, height - 1)
    values: Array = field[rows, columns]
    return values


def smoothstep(low: Scalar, high: Scalar, value: Array) -> Array:
    """0 below `low`, 1 above `high`, smooth between; `low` may be the greater of the two."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(first: Array, second: Array, amount: Array) -> Array:
    """Blend colours [..., 3] by an amount [...] in [0, 1]."""
    weight = np.asarray(amount, np.float32)[..., None]
    return first * (1 - weight) + second * weight


def normalised(flow: Flow) -> Flow:
    """The same directions with unit speed."""
    speed = np.hypot(flow[0], flow[1]) + 1e-6
    return flow[0] / speed, flow[1] / speed


def vortex(x: Array, y: Array, centre: Sequence[float], reach: float, spin: float) -> Flow:
    """Velocities circling a centre, falling off beyond its reach; spin > 0 turns clockwise."""
    dx, dy = x - centre[0], y - centre[1]
    distance = np.hypot(dx, dy) + 1e-6
    speed = spin * np.exp(-((distance / reach) ** 2))
    return -dy / distance * speed, dx / distance * speed


def combed(field: Array, flow: Flow, length: float) -> Array:
    """Smear a field [H, W] along the flow over `length`, which draws it out into strands.

    The result has mean 0 and standard deviation 1.
    """
    # Strands are wide: a third of the resolution shows the same and takes a ninth of the time.
    small = field[::3, ::3]
    start_x, start_y = plane(small.shape)
    slow = flow[0][::3, ::3], flow[1][::3, ::3]
    total = small.copy()
    steps = 20
    pace = length / (2 * steps)
    for direction in (-1, 1):
        x, y = start_x.copy(), start_y.copy()
        for _ in range(steps):
            vx, vy = sample(slow[0], x, y), sample(slow[1], x, y)
            x += direction * pace * vx
            y += direction * pace * vy
            total += sample(small, x, y)
    full = sample(ndimage.gaussian_filter(total, 0.7), *plane(field.shape[:2]))
    strands: Array = (full - full.mean()) / (full.std() + 1e-6)
    return strands
