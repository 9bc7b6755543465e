"""Breaking waves before a red sun, after the colour woodblock prints of Edo."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np
from PIL import Image

from styles.tools.canvas import Canvas
from styles.tools.colours import pigments, ramp
from styles.tools.fields import Array, combed, generator, mix, normalised, smoothstep
from styles.tools.shapes import Point, curve
from styles.tools.woodcut import FOAM, LINE, SEA, Print, claw, foam_edge, spray

ASPECT = (5, 4)

SKY = pigments("2f4f7a 7a94a0 d8c8a0 f0d8a8 f4c890 e89a68")
RED = pigments("c8301f e0502a")
BOAT = pigments("d89a4a 8a4a22 f0c070")


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
            claw(print_, tuple(edge[place]), lean, rng.uniform(0.014, 0.030), 1.9, 1)


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
    foam_edge(print_, outer[45:118], 0.060, -1.0, 2.1, 11)
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
    foam_edge(print_, inner[60:117], 0.062, 1.0, 1.1, 15)
    foam_edge(print_, outer[44:119], 0.085, -1.0, 2.1, 19)
    spray(print_, outer[50:118], (0.5, -0.9), 110, 0.055)
    spray(print_, inner[60:118], (0.5, 0.6), 90, 0.060)
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
