"""Woodcut tools: flat colours, tapering key lines, and foam with its claws and spray."""

from __future__ import annotations

from typing import Sequence

import numpy as np
from PIL import Image, ImageDraw

from styles.tools.canvas import Canvas
from styles.tools.colours import pigments, ramp
from styles.tools.fields import Array, generator
from styles.tools.shapes import Point

SEA = pigments("0c1f4a 163a78 1f5a9a 4a8ab8 8fbcc8 d8e4d0")
FOAM = pigments("fbf4de f4e6c4 dfe6d8")
LINE = pigments("0e1a3a")[0]


class Print:
    """Colours and key lines of a print in progress."""

    def __init__(self, canvas: Canvas, ground: Array) -> None:
        """Start from the sky, [H, W, 3]."""
        self.unit = canvas.unit
        self.rng = generator(canvas.seed, 1)
        self.sheet = Image.fromarray((np.clip(ground, 0, 1) * 255 + 0.5).astype(np.uint8))
        self._draw = ImageDraw.Draw(self.sheet)

    def fill(self, points: Sequence[Sequence[float]], colour: Array) -> None:
        """Print one flat colour [3]."""
        corners = [(float(x) * self.unit, float(y) * self.unit) for x, y in points]
        red, green, blue = (int(channel * 255 + 0.5) for channel in colour)
        self._draw.polygon(corners, fill=(red, green, blue))

    def colours(self) -> Array:
        """What has been printed so far, float32 [H, W, 3]."""
        return np.asarray(self.sheet, np.float32) / 255

    def line(self, path: Array, width: float, colour: Array = LINE) -> None:
        """Cut a key line [N, 2] that swells in the middle and tapers to both ends."""
        step = np.gradient(path, axis=0)
        normal = np.stack([-step[:, 1], step[:, 0]], 1)
        normal /= np.hypot(normal[:, 0], normal[:, 1])[:, None] + 1e-9
        t = np.linspace(0, 1, len(path))
        half = width * 0.5 * (0.35 + 0.65 * np.sin(np.pi * t) ** 0.7)
        half = half * (1 + 0.18 * np.sin(t * 23 + self.rng.uniform(0, 6)))
        ribbon = np.concatenate(
            [path + normal * half[:, None], (path - normal * half[:, None])[::-1]]
        )
        self.fill(ribbon.tolist(), colour)


def claw(print_: Print, root: Point, angle: float, reach: float, curl: float, depth: int) -> None:
    """A finger of foam that hooks over and branches into smaller ones."""
    rng = print_.rng
    t = np.linspace(0, 1, 18)
    bend = angle + curl * t**1.6
    steps = np.stack([np.cos(bend), np.sin(bend)], 1) * reach / 17
    spine = np.array(root) + np.concatenate([[[0.0, 0.0]], np.cumsum(steps[:-1], axis=0)])
    normal = np.stack([-np.sin(bend), np.cos(bend)], 1)
    girth = reach * 0.17 * (1 - t**2) ** 0.8 * (1 + 0.18 * np.sin(t * 9)) + 0.0004
    edge = 0.0016
    for extra, colour in ((edge, LINE), (0.0, FOAM[int(rng.integers(0, 2))])):
        half = (girth + extra)[:, None]
        outline = np.concatenate([spine + normal * half, (spine - normal * half)[::-1]])
        print_.fill(outline.tolist(), colour)
    print_.line(spine[2:13] - normal[2:13] * girth[2:13, None] * 0.3, reach * 0.05, SEA[4])
    if depth:
        for share in (0.30, 0.55, 0.80):
            index = int(share * 17)
            side = bend[index] - np.sign(curl) * rng.uniform(0.25, 0.7)
            size = reach * rng.uniform(0.40, 0.58) * (1.15 - 0.4 * share)
            x, y = spine[index]
            claw(print_, (float(x), float(y)), side, size, curl * 1.2, depth - 1)


def _froth(print_: Print, path: Array, thick: float, side: float) -> Array:
    """A ribbon of scalloped foam along an edge; returns its outer border [N, 2]."""
    rng = print_.rng
    step = np.gradient(path, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], 1)
    normal /= np.hypot(normal[:, 0], normal[:, 1])[:, None] + 1e-9
    t = np.linspace(0, 1, len(path))[:, None]
    swell = thick * (0.25 + 0.75 * np.sin(np.pi * np.clip(t * 0.85 + 0.1, 0, 1)))
    lobes = np.abs(np.sin(t * 34)) ** 0.6
    deep = np.abs(np.sin(t * 21 + 1)) ** 0.6
    outside = path + side * normal * swell * (0.45 + 0.55 * lobes)
    inside = path - side * normal * swell * (0.35 + 0.75 * deep)
    print_.fill(np.concatenate([outside, inside[::-1]]).tolist(), FOAM[0])
    print_.line(inside, 0.0042)
    print_.line(outside, 0.0036)
    for share in (0.25, 0.5, 0.75):
        # Broken scallops inside the foam, in the palest blue.
        row = inside + (outside - inside) * (share + 0.10 * np.sin(t * 47 + 9 * share))
        for _ in range(9):
            start = int(rng.integers(0, max(len(row) - 12, 1)))
            tone = ramp(SEA, np.array(rng.choice([0.45, 0.65, 0.8])))
            print_.line(row[start : start + int(rng.integers(6, 16))], 0.0034, tone)
    return outside


def foam_edge(
    print_: Print, path: Array, reach: float, side: float, curl: float, count: int
) -> None:
    """Froth along an edge, and hooked fingers that leave it on one side (-1 left, 1 right)."""
    rng = print_.rng
    fine = np.stack(
        [
            np.interp(np.linspace(0, 1, 220), np.linspace(0, 1, len(path)), path[:, c])
            for c in (0, 1)
        ],
        axis=1,
    )
    border = _froth(print_, fine, reach * 0.34, side)
    step = np.gradient(fine, axis=0)
    heading = np.arctan2(step[:, 1], step[:, 0])
    for place in np.linspace(0.04, 0.99, count):
        index = int(np.clip(place + rng.normal(0, 0.008), 0, 1) * (len(fine) - 1))
        size = reach * rng.uniform(0.55, 0.85) * (0.6 + 0.5 * place)
        x, y = 0.85 * border[index] + 0.15 * fine[index]
        angle = heading[index] + side * rng.uniform(0.95, 1.35)
        claw(print_, (float(x), float(y)), angle, size, curl, 1)


def spray(print_: Print, path: Array, drift: Point, count: int, spread: float) -> None:
    """Drops thrown off an edge."""
    rng = print_.rng
    for _ in range(count):
        start = path[int(rng.integers(len(path)))]
        far = abs(rng.normal(0, spread))
        x = start[0] + drift[0] * far + rng.normal(0, spread * 0.35)
        y = start[1] + drift[1] * far + rng.normal(0, spread * 0.35)
        size = rng.uniform(0.0014, 0.0042)
        turn = np.linspace(0, 2 * np.pi, 12)
        ring = np.stack([x + size * np.cos(turn), y + size * np.sin(turn)], 1)
        print_.fill((ring + (ring - ring.mean(axis=0)) * 0.35).tolist(), LINE)
        print_.fill(ring.tolist(), FOAM[0])
