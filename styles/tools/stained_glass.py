"""A valley at sunrise in leaded glass, after the windows of Art Nouveau."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np
from PIL import Image
from scipy import ndimage

from styles.tools.canvas import Canvas
from styles.tools.colours import pigments, ramp, saturate
from styles.tools.fields import Array, generator, smoothstep
from styles.tools.shapes import polygon

ASPECT = (4, 5)
SUN = (0.455, 0.300)

FIRE = pigments("fff6c0 ffe070 ffb52a ff8a1e f0561e d83030 a82a5a 5a2a80 2a3a98")
HILLS = pigments("6a4ab0 3a5ac0 2a8ac0 1fa0a0 2a9a5a 6ab83a b8c82a")
RIVER = pigments("c8f0ff 7ad8f0 3ab0e8 1f7ad0 1a4ab0 f8d890")
PETALS = pigments("6a2ab0 9a3ac8 c860d8 3a3ac0 f0a0e0 f8e0ff")
STALKS = pigments("0f6a3a 2a8a3a 5aa83a 9ac83a")
BORDER = pigments("c82a2a 1f4ab8 e8982a 1f8a5a 8a2a8a")


class Window:
    """Pieces of glass: a label and a colour for every pixel."""

    def __init__(self, canvas: Canvas) -> None:
        """Start with no pieces."""
        self.canvas = canvas
        self.labels = np.zeros(canvas.shape, np.int64)
        self.tone = np.zeros(canvas.shape + (3,), np.float32)
        self._used = 0

    def put(self, mask: Array, pieces: Array, palette: Array, place: Array) -> None:
        """Glaze a region: `pieces` [H, W] numbers its parts, `place` its colours on a palette.

        Each part takes one colour, with a little variation of its own.
        """
        if not mask.any():
            return
        rng = generator(self.canvas.seed, 100 + self._used % 97)
        _, numbers = np.unique(pieces[mask], return_inverse=True)
        count = int(numbers.max()) + 1
        sums = np.bincount(numbers, np.broadcast_to(place, mask.shape)[mask], count)
        middle = sums / np.bincount(numbers, minlength=count)
        middle = middle + rng.normal(0, 0.07, count)
        colours = ramp(palette, middle) * rng.uniform(0.82, 1.15, (count, 1)).astype(np.float32)
        self.labels[mask] = self._used + 1 + numbers
        self.tone[mask] = np.clip(colours, 0, 1)[numbers]
        self._used += count + 1


def _cells(canvas: Canvas, stream: int, u: Array, v: Array, size: Tuple[float, float]) -> Array:
    """Number the pieces of a running bond along u and v, with uneven joints."""
    rng = generator(canvas.seed, stream)
    row = np.floor(v / size[1] + 0.25 * canvas.noise(stream, 0.2, 1)).astype(int)
    shift = rng.random(4096)
    column = np.floor(u / size[0] + shift[row % 4096] * 2 + 0.2 * canvas.noise(stream + 1, 0.12, 1))
    return np.asarray(row * 4096 + column.astype(int))


def _sky(window: Window, x: Array, y: Array) -> None:
    """Rays and rings around the sun."""
    away = np.hypot(x - SUN[0], y - SUN[1])
    turn = np.arctan2(y - SUN[1], x - SUN[0]) / (2 * np.pi) + 0.5
    edges = np.array([0, 0.050, 0.095, 0.155, 0.225, 0.315, 0.42, 0.54, 0.7, 1.2])
    wavy = away * (1 + 0.035 * np.sin(turn * 2 * np.pi * 6 + away * 18))
    ring = np.searchsorted(edges, wavy.ravel()).reshape(x.shape)
    spokes = np.array([1, 1, 9, 18, 18, 24, 24, 36, 36, 36, 36])[ring]
    sweep = turn + 0.05 * np.sin(away * 14) + 0.5 * (ring % 2) / spokes
    sector = np.floor(sweep * spokes).astype(int) % spokes
    streak = 0.05 * np.sin(sector * 2.4 + ring)
    window.put(np.ones(x.shape, bool), ring * 512 + sector, FIRE, 1.32 * away**0.8 - 0.03 + streak)


def _hills(window: Window, x: Array, y: Array) -> None:
    canvas = window.canvas
    for index, (base, swell, pace, low, high) in enumerate(
        (
            (0.485, 0.050, 8.0, 0.00, 0.25),
            (0.545, 0.045, 6.0, 0.20, 0.45),
            (0.620, 0.040, 5.0, 0.45, 0.72),
            (0.720, 0.050, 4.2, 0.65, 0.98),
        )
    ):
        bend = np.sin(x * pace + 1.9 * index) + 0.45 * np.sin(x * pace * 2.3 + index)
        top = base - swell * bend * (0.7 + 0.3 * np.cos(index))
        depth = y - top
        pieces = _cells(canvas, 40 + 3 * index, x + 0.6 * depth, depth, (0.105, 0.042))
        tone = low + (high - low) * np.clip(depth / 0.12, 0, 1) + 0.08 * np.sin(x * 23 + index)
        window.put(depth > 0, pieces, HILLS, tone)


def _river(window: Window, x: Array, y: Array) -> None:
    """A river that comes from under the sun and widens towards us."""
    way = np.clip((y - 0.50) / 0.50, 0, 1)
    middle = 0.455 + 0.13 * np.sin(way * 7.2 + 0.3) * (0.35 + way)
    half = 0.016 + 0.14 * way**1.2
    across = (x - middle) / half
    inside = (np.abs(across) < 1) & (y > 0.505)
    pieces = _cells(window.canvas, 60, way + 0.05 * across, (across + 1) * 0.5, (0.17, 0.34))
    tone = 0.30 + 0.42 * np.abs(across) + 0.20 * np.sin(way * 17)
    window.put(inside, pieces, RIVER, tone)


def _leaf(root: Tuple[float, float], tip: Tuple[float, float], girth: float, bow: float) -> Array:
    """Outline [N, 2] of a bowed, pointed leaf or petal."""
    start, end = np.array(root), np.array(tip)
    along = np.linspace(0, 1, 24)[:, None]
    normal = np.array([-(end - start)[1], (end - start)[0]])
    spine = start + (end - start) * along + normal * bow * np.sin(np.pi * along)
    width = girth * np.sin(np.pi * along**0.8) * normal / (np.hypot(*normal) + 1e-9)
    return np.concatenate([spine + width, (spine - width)[::-1]])


def _irises(window: Window) -> None:
    rng = generator(window.canvas.seed, 70)
    shape = window.canvas.shape
    stems: List[Tuple[float, float, float]] = [
        (0.085, 0.735, 0.088),
        (0.215, 0.845, 0.080),
        (0.700, 0.700, 0.090),
        (0.600, 0.865, 0.076),
        (0.345, 0.915, 0.060),
    ]
    one = np.ones(shape, np.int64)
    for foot, top, size in stems:
        for blade in range(5):
            lean = (blade - 2) * 0.055 + rng.normal(0, 0.01)
            tip = (foot + lean, top + 0.04 + 0.03 * abs(blade - 2) + rng.normal(0, 0.012))
            outline = _leaf((foot + 0.25 * lean, 1.02), tip, 0.015, 0.10 * np.sign(lean))
            mask = polygon(shape, outline)
            half = one * (polygon(shape, outline[:24]) & mask)
            window.put(mask, half, STALKS, np.full(shape, rng.uniform(0, 1)))
        for angle, reach, girth, tone in (
            (-90, 1.00, 0.30, 0.30),
            (-140, 0.92, 0.28, 0.10),
            (-40, 0.92, 0.28, 0.18),
            (160, 0.85, 0.27, 0.42),
            (20, 0.85, 0.27, 0.36),
            (95, 0.80, 0.30, 0.60),
            (125, 0.45, 0.16, 0.85),
            (60, 0.45, 0.16, 0.80),
        ):
            turn = np.radians(angle + rng.normal(0, 5))
            tip = (foot + reach * size * np.cos(turn), top + reach * size * np.sin(turn))
            outline = _leaf((foot, top), tip, girth * size, 0.12)
            mask = polygon(shape, outline)
            window.put(mask, one, PETALS, np.full(shape, tone))
        heart = polygon(shape, _leaf((foot, top - 0.25 * size), (foot, top + 0.3 * size), 0.012, 0))
        window.put(heart, one, FIRE, np.full(shape, 0.16))


def _border(window: Window, x: Array, y: Array) -> None:
    """A frame of small panes."""
    right, bottom = float(x.max()), float(y.max())
    gap = np.minimum(np.minimum(x, right - x), np.minimum(y, bottom - y))
    ring = (gap < 0.038).astype(int) + (gap < 0.012)
    side = np.where(np.minimum(x, right - x) < np.minimum(y, bottom - y), 1, 0)
    along = np.where(side == 1, y, x)
    step = np.floor(along / 0.062).astype(int)
    pieces = ring * 4096 + side * 1024 + step + 512 * (x > 0.4) + 256 * (y > 0.5)
    tone = (step * 0.37 + 0.21 * ring) % 1.0
    window.put(gap < 0.038, pieces, BORDER, tone)


def _glass(canvas: Canvas, window: Window) -> Tuple[Array, Array]:
    """The glass with its streaks, bubbles and glow; and the distance of each pixel to a joint."""
    labels = window.labels
    joint = np.zeros(canvas.shape, bool)
    joint[1:] |= labels[1:] != labels[:-1]
    joint[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    gap = ndimage.distance_transform_edt(~joint).astype(np.float32) / canvas.unit
    streaks = np.stack(
        [
            canvas.noise(80, 0.012, 3, 6.0),
            canvas.noise(81, 0.06, 3, 0.18),
            canvas.noise(82, 0.030, 4),
        ]
    )
    kind = (labels * 2654435761 >> 7) % 3
    streak = np.choose(kind, streaks)
    swirl = canvas.noise(83, 0.09, 3)
    glass = saturate(window.tone, 1.12)
    glass = (
        glass * (0.98 + 0.13 * streak + 0.08 * swirl + 0.05 * canvas.noise(85, 0.004, 2))[..., None]
    )
    # Light gathers in the middle of a pane and seeps in from the joints as a pale line.
    lift = 0.90 + 0.30 * smoothstep(0.002, 0.022, gap)
    glass = glass * lift[..., None] + 0.05 * np.clip(streak - 0.8, 0, 2)[..., None]
    ripple = canvas.noise(84, 0.0065, 2)
    canvas.height = 0.5 + 0.05 * ripple + 0.05 * swirl
    return glass, gap


def paint(size: int, seed: int) -> Image.Image:
    """Paint the picture, RGB, `size` pixels on its longer side, the same for the same seed."""
    canvas = Canvas(size, ASPECT, seed)
    x, y = canvas.plane()
    window = Window(canvas)
    bent_x = x + 0.006 * canvas.noise(1, 0.11, 2)
    bent_y = y + 0.006 * canvas.noise(2, 0.11, 2)
    _sky(window, bent_x, bent_y)
    _hills(window, bent_x, bent_y)
    _river(window, bent_x, bent_y)
    _irises(window)
    _border(window, x, y)
    glass, gap = _glass(canvas, window)
    away = np.hypot(x - SUN[0], y - SUN[1])
    glass = glass * (0.94 + 0.30 * np.exp(-((away / 0.30) ** 2)))[..., None]
    thick = 0.0030 + 0.0005 * canvas.noise(3, 0.04, 2)
    lead = smoothstep(thick + 0.0008, thick - 0.0008, gap)
    cane = np.sqrt(np.clip(1 - (gap / (thick + 0.0008)) ** 2, 0, 1))
    metal = pigments("15131c 2c2a38 5a5a6a")
    tone = 0.25 + 0.25 * canvas.noise(4, 0.006, 2)
    canvas.colour = glass * (1 - lead[..., None]) + ramp(metal, tone) * lead[..., None]
    canvas.height = canvas.height + 0.8 * cane
    canvas.relief(1.1, gloss=0.5)
    return canvas.picture()
