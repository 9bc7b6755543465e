"""Breaking waves before a red sun, after the colour woodblock prints of Edo."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw

from styles.painters.canvas import Canvas
from styles.painters.colours import pigments, ramp
from styles.painters.fields import Array, combed, generator, mix, normalised, smoothstep
from styles.painters.shapes import Point, curve

ASPECT = (5, 4)

SKY = pigments("2f4f7a 7a94a0 d8c8a0 f0d8a8 f4c890 e89a68")
SEA = pigments("0c1f4a 163a78 1f5a9a 4a8ab8 8fbcc8 d8e4d0")
FOAM = pigments("fbf4de f4e6c4 dfe6d8")
RED = pigments("c8301f e0502a")
LINE = pigments("0e1a3a")[0]
BOAT = pigments("d89a4a 8a4a22 f0c070")


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


def _claw(print_: Print, root: Point, angle: float, reach: float, curl: float, depth: int) -> None:
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
            _claw(print_, (float(x), float(y)), side, size, curl * 1.2, depth - 1)


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


def _foam_edge(
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
        _claw(print_, (float(x), float(y)), angle, size, curl, 1)


def _spray(print_: Print, path: Array, drift: Point, count: int, spread: float) -> None:
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


def _wave(
    print_: Print, back: Sequence[Point], face: Sequence[Point], bands: int, tones: Sequence[float]
) -> Tuple[Array, Array]:
    """A wave between the curve of its back and of its face, in bands that follow both."""
    outer, inner = curve(back, 120), curve(face, 120)
    body = np.concatenate([outer, inner[::-1]])
    print_.fill(body.tolist(), SEA[1])
    rng = print_.rng
    for band in range(bands):
        low, high = band / bands, (band + 1) / bands
        bulge = 1 + 0.20 * np.sin(np.linspace(0, 3 * np.pi, 120) + band)[:, None] / bands
        first = outer + (inner - outer) * np.clip(low * bulge, 0, 1)
        second = outer + (inner - outer) * np.clip(high * bulge, 0, 1)
        tone = tones[band % len(tones)] + rng.normal(0, 0.03)
        strip = np.concatenate([first, second[::-1]])
        print_.fill(strip.tolist(), ramp(SEA, np.array(tone)))
        # Streaks of the lighter block run along every band and break off.
        for _ in range(9):
            start = int(rng.integers(0, 90))
            stop = start + int(rng.integers(18, 40))
            share = rng.uniform(0.15, 0.85)
            path = (first + (second - first) * share)[start:stop]
            light = np.clip(tone + rng.choice([-0.28, 0.22, 0.40]), 0, 1)
            print_.line(path, rng.uniform(0.0018, 0.0055), ramp(SEA, np.array(light)))
        print_.line(first, 0.0038)
    print_.line(outer, 0.0060)
    print_.line(inner, 0.0050)
    return outer, inner


def _swell(
    print_: Print, base: float, height: float, pace: float, phase: float, tone: float
) -> None:
    """A rolling wave across the whole width with scale-like ripples below its crest."""
    rng = print_.rng
    x = np.linspace(-0.05, 1.05, 160)

    def crest(drop: float) -> Array:
        roll = np.sin(x * pace + phase) + 0.35 * np.sin(x * pace * 2.7 + 2 * phase)
        return np.stack([x, base - height * roll * np.exp(-drop * 7) + drop], 1)

    edge = crest(0.0)
    print_.fill([*edge.tolist(), (1.05, 0.9), (-0.05, 0.9)], ramp(SEA, np.array(tone)))
    for index, drop in enumerate(np.linspace(0.010, 0.17, 13)):
        line = crest(float(drop))
        shade = np.clip(tone + 0.22 * np.sin(index * 2.2) + rng.normal(0, 0.06), 0, 1)
        for _ in range(9):
            start = int(rng.integers(0, 140))
            stop = start + int(rng.integers(14, 45))
            print_.line(line[start:stop], rng.uniform(0.003, 0.009), ramp(SEA, np.array(shade)))
        for _ in range(4):
            start = int(rng.integers(0, 130))
            print_.line(line[start : start + int(rng.integers(12, 30))] + 0.004, 0.0026)
    print_.line(edge, 0.0065)
    for place in range(4, 156, 5):
        if rng.random() < 0.62:
            lean = -1.0 + rng.normal(0, 0.35)
            _claw(print_, tuple(edge[place]), lean, rng.uniform(0.014, 0.030), 1.9, 1)


def _boat(print_: Print, x: float, y: float, size: float, tilt: float) -> None:
    def place(points: Sequence[Point]) -> Array:
        u = np.array(points) * size
        cosine, sine = np.cos(tilt), np.sin(tilt)
        return np.stack(
            [x + u[:, 0] * cosine - u[:, 1] * sine, y + u[:, 0] * sine + u[:, 1] * cosine], 1
        )

    hull = place(
        curve([(-1, -0.22), (-0.5, 0.02), (0.1, 0.05), (0.7, -0.10), (1.1, -0.42)], 30).tolist()
    )
    keel = place(
        curve([(-0.95, -0.05), (-0.4, 0.22), (0.3, 0.24), (0.85, 0.05), (1.1, -0.42)], 30).tolist()
    )
    print_.fill(np.concatenate([hull, keel[::-1]]).tolist(), BOAT[0])
    print_.line(hull, size * 0.06)
    print_.line(keel, size * 0.06)
    print_.line((hull + keel) / 2, size * 0.05, BOAT[1])
    for index in range(6):
        centre = place([(-0.6 + 0.22 * index, -0.10)])[0]
        turn = np.linspace(0, 2 * np.pi, 14)
        head = np.stack(
            [centre[0] + size * 0.085 * np.cos(turn), centre[1] + size * 0.10 * np.sin(turn)], 1
        )
        print_.fill(head.tolist(), LINE if index % 2 else RED[0])


def _sky(canvas: Canvas, x: Array, y: Array) -> Array:
    """A graded sky, a striped sun, long mists with rounded ends."""
    wiped = y + 0.012 * canvas.noise(2, 0.12, 3, 4.0)
    plan = ramp(SKY, wiped / 0.60)
    away = np.hypot(x - 0.665, y - 0.285)
    sun = ramp(RED, (y - 0.13) / 0.3)
    plan = mix(plan, sun, smoothstep(0.1535, 0.1515, away))
    rng = generator(canvas.seed, 3)
    for index in range(15):
        middle = rng.uniform(0.0, 1.0), 0.035 + 0.030 * index
        long, thick = rng.uniform(0.10, 0.26), rng.uniform(0.006, 0.0115)
        gap = np.maximum(np.abs(x - middle[0]) - long, 0)
        wave = middle[1] + 0.004 * np.sin(x * 30 + index)
        inside = np.hypot(gap, (y - wave) * 1.0) < thick
        cloud = ramp(pigments("fbeccb f4d8a8 e8b080 a8b8b0"), np.array(rng.random()))
        plan[inside] = 0.82 * cloud + 0.18 * plan[inside]
    return plan


def _waves(print_: Print) -> None:
    _swell(print_, 0.500, 0.018, 9.0, 0.5, 0.62)
    _swell(print_, 0.555, 0.026, 7.0, 2.2, 0.45)
    _boat(print_, 0.820, 0.545, 0.085, -0.12)
    back = [(0.62, 0.86), (0.71, 0.66), (0.80, 0.52), (0.90, 0.43), (1.0, 0.40), (1.06, 0.41)]
    face = [(0.84, 0.86), (0.88, 0.72), (0.93, 0.60), (0.98, 0.53), (1.03, 0.50), (1.08, 0.50)]
    outer, _ = _wave(print_, back, face, 5, (0.15, 0.55, 0.25, 0.80, 0.35))
    _foam_edge(print_, outer[45:118], 0.060, -1.0, 2.1, 11)
    _swell(print_, 0.655, 0.034, 5.5, 4.2, 0.30)
    _boat(print_, 0.600, 0.650, 0.105, 0.16)
    back = [
        (-0.10, 0.62),
        (0.02, 0.40),
        (0.13, 0.22),
        (0.27, 0.105),
        (0.41, 0.090),
        (0.51, 0.165),
        (0.535, 0.265),
    ]
    face = [
        (0.44, 0.88),
        (0.30, 0.70),
        (0.225, 0.53),
        (0.225, 0.38),
        (0.30, 0.275),
        (0.41, 0.245),
        (0.505, 0.300),
    ]
    outer, inner = _wave(
        print_, back, face, 9, (0.10, 0.42, 0.20, 0.68, 0.28, 0.85, 0.15, 0.5, 0.3)
    )
    _foam_edge(print_, inner[60:117], 0.062, 1.0, 1.1, 15)
    _foam_edge(print_, outer[44:119], 0.085, -1.0, 2.1, 19)
    _spray(print_, outer[50:118], (0.5, -0.9), 110, 0.055)
    _spray(print_, inner[60:118], (0.5, 0.6), 90, 0.060)
    _swell(print_, 0.735, 0.036, 6.2, 1.2, 0.22)


def _press(canvas: Canvas, plan: Array, x: Array, y: Array) -> None:
    """Wood grain, the rubbing of the pad, paper fibres and slightly shifted blocks."""
    shift = max(int(0.0009 * canvas.unit), 1)
    plan = np.stack([plan[..., 0], plan[..., 1], np.roll(plan[..., 2], shift, axis=1)], axis=-1)
    bend = 0.18 * canvas.noise(10, 0.25, 2, 2.0)
    flow = normalised((np.ones_like(x), bend))
    knots = y * 62 + 2.4 * canvas.noise(11, 0.30, 3, 2.2)
    rings = np.sin(2 * np.pi * knots) * 0.55 + 0.45 * np.sin(4.7 * np.pi * knots + 1)
    fibre = combed(canvas.noise(12, 0.004, 1), flow, 0.05)
    pad = canvas.noise(13, 0.05, 3)
    ink = 1 + 0.045 * rings + 0.040 * fibre + 0.02 * pad
    canvas.colour = plan * ink[..., None]
    speck = smoothstep(2.3, 2.9, canvas.noise(14, 0.004, 1))
    canvas.colour = mix(canvas.colour, FOAM[1], 0.25 * speck)
    canvas.height = 0.25 * (plan @ np.array([0.3, 0.6, 0.1], np.float32)) + 0.02 * fibre


def paint(size: int, seed: int) -> Image.Image:
    """Paint the picture, RGB, `size` pixels on its longer side, the same for the same seed."""
    canvas = Canvas(size, ASPECT, seed)
    x, y = canvas.plane()
    print_ = Print(canvas, _sky(canvas, x, y))
    _waves(print_)
    _press(canvas, print_.colours(), x, y)
    canvas.relief(0.8)
    canvas.grain(0.03, 0.0035)
    return canvas.picture()
