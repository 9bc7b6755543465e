"""Night over a lake: a sky of whirling strokes, after the Post-Impressionists."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np
from PIL import Image

from styles.tools.canvas import Brush, Canvas, Marks, cover
from styles.tools.colours import choose, nearest, pigments, ramp, vary
from styles.tools.fields import (
    Array,
    Flow,
    combed,
    generator,
    mix,
    normalised,
    sample,
    smoothstep,
    vortex,
)

ASPECT = (5, 4)
SHORE = 0.60

SKY = pigments("0b1a4a 14307c 1c4fa6 2f74c4 5aa0d8 9cc9e4 dfe9d8")
GLOW = pigments("fffbe0 ffe98a f9c63a f2a72e c9b45a 6fa38c 2f74b4 1c4fa6")
PALE = pigments("fffdf0 fff3b8 e8e89a b8d8a8 7fc0c0 4f98c8 2f74c4 1c4fa6")
HILLS = pigments("0c1b3c 15325a 1f4f6e 2a6c74 4a8a6e 8aa85a")
WATER = pigments("081338 10296a 1a4a98 2e78b8 6fb4c8")
LAMPS = pigments("fff3b0 ffd24a f59a23 e0662a")
WALLS = pigments("2c4a86 3f62a0 5a7fb0 22386c")
ROOFS = pigments("7a3a2c a5563a 1c2c5e 34407a c27a48")
SPIRE = pigments("16264e 2a4480 46689c")
TREES = pigments("07140f 12301f 24502a 4a7030 8a8a34 5a3a1e")
PALETTE = np.concatenate([SKY, GLOW, PALE, HILLS, WATER, LAMPS])

# Place and size of the moon and the stars.
LIGHTS: List[Tuple[float, float, float]] = [
    (0.860, 0.125, 0.046),
    (0.075, 0.085, 0.028),
    (0.235, 0.060, 0.017),
    (0.325, 0.405, 0.021),
    (0.475, 0.060, 0.023),
    (0.640, 0.075, 0.016),
    (0.935, 0.350, 0.025),
    (0.075, 0.345, 0.019),
    (0.655, 0.395, 0.019),
    (0.790, 0.315, 0.014),
    (0.245, 0.195, 0.013),
]
WHIRLS = [((0.43, 0.225), 0.165, 3.6), ((0.665, 0.235), 0.075, 2.6), ((0.13, 0.225), 0.060, -2.0)]
TREE_FEET = [(0.165, 0.86, 0.66, 0.052), (0.085, 0.86, 0.42, 0.042), (0.225, 0.86, 0.30, 0.030)]


def _sky_flow(canvas: Canvas, x: Array, y: Array) -> Flow:
    """Wind from the left, whirls, and rings around every light."""
    drift = 0.5 * canvas.noise(1, 0.35, 2)
    flow_x, flow_y = np.cos(drift), np.sin(drift) + 0.35 * np.sin(x * 9 + y * 4)
    for centre, reach, spin in WHIRLS:
        wind = vortex(x, y, centre, reach, spin)
        # A little inward pull winds the strokes into spirals.
        pull = np.exp(-(((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / reach**2)) * 0.9
        flow_x = flow_x + wind[0] - pull * (x - centre[0]) / reach
        flow_y = flow_y + wind[1] - pull * (y - centre[1]) / reach
    for light_x, light_y, size in LIGHTS:
        ring = vortex(x, y, (light_x, light_y), size * 2.5, 12.0)
        flow_x, flow_y = flow_x + ring[0], flow_y + ring[1]
    return normalised((flow_x, flow_y))


def _sky(canvas: Canvas, x: Array, y: Array, flow: Flow) -> Array:
    """Colours of the sky: strands of blue along the wind, haloes around the lights."""
    strands = 0.55 * combed(canvas.noise(2, 0.06, 2), flow, 0.30)
    strands += 0.45 * combed(canvas.noise(3, 0.018, 1), flow, 0.16)
    deep = 0.36 + 0.20 * strands + 0.22 * smoothstep(0.25, 0.5, y) - 0.10 * smoothstep(0.15, 0, y)
    for centre, reach, spin in WHIRLS:
        away = np.hypot(x - centre[0], y - centre[1]) / reach + 1e-3
        turn = np.arctan2(y - centre[1], x - centre[0]) * np.sign(spin)
        arms = np.cos(2 * turn - 6.5 * np.log(away + 0.12))
        deep = deep + (0.24 * arms + 0.22) * np.exp(-(away**2) / 1.1)
    sky = ramp(SKY, deep)
    for index, (light_x, light_y, size) in enumerate(LIGHTS):
        away = np.hypot(x - light_x, y - light_y) / size
        rings = away / 3.3 + 0.11 * np.sin(away * 6.5)
        glow = ramp(PALE if index % 3 == 1 else GLOW, rings)
        sky = mix(sky, glow, smoothstep(3.1, 1.5, away) * 0.96)
    return sky


def _ridge(canvas: Canvas, x: Array, stream: int, base: float, swell: float) -> Array:
    """The height of a chain of hills at every x."""
    wave = np.sin(x * 7.3 + stream) * 0.5 + np.sin(x * 17 + 2.1 * stream) * 0.25
    return base - swell * (wave + 0.25 * canvas.noise(stream, 0.12, 2)[:1])


def _paint_sky(canvas: Canvas, plan: Array, flow: Flow) -> None:
    for stream, (spacing, length, width) in enumerate(
        [(0.015, 0.085, 0.019), (0.0105, 0.060, 0.0125), (0.0135, 0.045, 0.0085)]
    ):
        rng = generator(canvas.seed, 10 + stream)
        x, y = cover(rng, canvas.shape, spacing)
        here = y < SHORE
        _brush(canvas, rng, (x[here], y[here]), (length, width), plan, flow, 0.055)


def _brush(
    canvas: Canvas,
    rng: np.random.Generator,
    places: Tuple[Array, Array],
    sizes: Tuple[float, float],
    plan: Array,
    flow: Flow,
    spread: float,
) -> None:
    """Strokes at the given places in pigments close to the plan, each with a second pigment."""
    x, y = places
    wanted = sample(plan, x, y)
    first = nearest(vary(rng, wanted, spread, spread * 0.8), PALETTE)
    first = 0.45 * first + 0.55 * wanted
    second = nearest(vary(rng, wanted, 0.12, 0.07), PALETTE)
    second = 0.6 * second + 0.4 * wanted
    marks = Marks(
        x,
        y,
        sizes[0] * rng.uniform(0.6, 1.2, len(x)),
        sizes[1] * rng.uniform(0.7, 1.25, len(x)),
        vary(rng, first, 0.03, 0.012),
        vary(rng, second, 0.03, 0.012),
    )
    canvas.stroke(rng, marks, Brush(bristles=7, dryness=0.12, streak=0.7), flow)


def _paint_hills(canvas: Canvas, x: Array, y: Array) -> None:
    drift = 0.3 * canvas.noise(20, 0.1, 2)
    for index, (base, swell, low, high) in enumerate(
        [(0.475, 0.030, 0.30, 0.62), (0.515, 0.034, 0.10, 0.55), (0.555, 0.022, 0.0, 0.45)]
    ):
        stream = 21 + index
        top = np.broadcast_to(_ridge(canvas, x, stream, base, swell), x.shape)
        slope = np.gradient(top, axis=1) * canvas.unit
        flow = normalised((np.ones_like(x), slope + 0.25 * drift))
        depth = (y - top) / 0.06
        tone = low + (high - low) * (0.5 + 0.5 * np.sin(depth * 5 + 2 * drift))
        plan = ramp(HILLS, tone * smoothstep(1.6, 0.0, depth) + 0.05)
        rng = generator(canvas.seed, stream)
        for spacing, length, width in ((0.011, 0.055, 0.014), (0.0105, 0.040, 0.0085)):
            px, py = cover(rng, canvas.shape, spacing)
            here = (py > sample(top, px, py) + width * 0.4) & (py < SHORE + 0.02)
            _brush(canvas, rng, (px[here], py[here]), (length, width), plan, flow, 0.05)


def _lamps(canvas: Canvas) -> Tuple[Array, Array]:
    """Where the village's lights are."""
    rng = generator(canvas.seed, 30)
    along = np.linspace(0.31, 0.97, 17) + rng.normal(0, 0.008, 17)
    return along, SHORE - 0.013 - 0.030 * rng.random(17)


def _dabs(
    canvas: Canvas,
    rng: np.random.Generator,
    places: Tuple[Array, Array],
    sizes: Tuple[float, float],
    angle: Array,
    palette: Array,
) -> None:
    """Straight dabs of one size at the given places, in pigments of one palette."""
    count = len(places[0])
    odds = [1.0] * len(palette)
    marks = Marks(
        places[0],
        places[1],
        sizes[0] * rng.uniform(0.85, 1.15, count),
        sizes[1] * rng.uniform(0.85, 1.15, count),
        choose(rng, palette, odds, count),
        choose(rng, palette, odds, count),
        angle + rng.normal(0, 0.08, count),
    )
    still: Flow = (np.ones((2, 2)), np.zeros((2, 2)))
    canvas.stroke(rng, marks, Brush(bristles=5, dryness=0.05, ragged=0.1), still)


def _paint_village(canvas: Canvas) -> None:
    """Houses from back to front: a wall, two slopes of a roof, lit windows."""
    rng = generator(canvas.seed, 31)
    x, y = _lamps(canvas)
    level = np.zeros(len(x))
    for shift_x, shift_y in ((0.019, -0.010), (-0.014, -0.004), (0.0, 0.006)):
        px, py = x + shift_x, y + shift_y
        _dabs(canvas, rng, (px, py), (0.024, 0.017), level, WALLS)
        for side in (-1, 1):
            slope = (px + side * 0.0065, py - 0.011)
            _dabs(canvas, rng, slope, (0.021, 0.008), level + side * 0.62, ROOFS)
        for gap in (-0.0045, 0.0045):
            _dabs(canvas, rng, (px + gap, py + 0.001), (0.0085, 0.0052), level + 1.57, LAMPS)
    spire = np.full(4, 0.585), SHORE - np.array([0.030, 0.044, 0.060, 0.075])
    for index, width in enumerate((0.0155, 0.0125, 0.0095, 0.0060)):
        step = spire[0][index : index + 1], spire[1][index : index + 1]
        _dabs(canvas, rng, step, (0.025, width), np.full(1, 1.57), SPIRE)


def _paint_water(canvas: Canvas, x: Array, y: Array) -> None:
    ripple = 0.16 * canvas.noise(40, 0.05, 2, 2.0)
    flow = normalised((np.ones_like(x), ripple))
    strands = combed(canvas.noise(41, 0.016, 2, 3.0), flow, 0.08)
    tone = 0.46 + 0.17 * strands - 0.30 * smoothstep(SHORE, 0.8, y)
    plan = ramp(WATER, tone)
    lamps = list(zip(*_lamps(canvas))) + [(light[0], light[1]) for light in LIGHTS[:1]]
    for index, (lamp_x, _) in enumerate(lamps):
        wide = 0.040 if index == len(lamps) - 1 else 0.012
        fall = smoothstep(0.81, SHORE, y) ** 0.6 * (0.75 + 0.25 * np.sin(y * 190 + index))
        column = np.exp(-(((x - lamp_x + 0.01 * ripple) / (wide * (0.6 + 3 * (y - SHORE)))) ** 2))
        warm = ramp(pigments("ffe890 f9b63a c8803a"), (y - SHORE) / 0.2)
        plan = mix(plan, warm, np.clip(column * fall, 0, 0.9))
    rng = generator(canvas.seed, 42)
    for spacing, length, width in (
        (0.013, 0.07, 0.014),
        (0.0095, 0.042, 0.0095),
        (0.010, 0.026, 0.007),
    ):
        px, py = cover(rng, canvas.shape, spacing)
        here = py > SHORE + width * 0.3
        _brush(canvas, rng, (px[here], py[here]), (length, width), plan, flow, 0.05)


def _paint_trees(canvas: Canvas, x: Array, y: Array) -> None:
    """Cypresses that climb like flames."""
    for index, (foot_x, foot_y, tall, wide) in enumerate(TREE_FEET):
        rng = generator(canvas.seed, 50 + index)
        lean = foot_x + 0.012 * np.sin((foot_y - y) * 14 + index)
        flow = normalised((0.55 * np.sin(y * 42 + (x - foot_x) * 60), -np.ones_like(x)))
        count = int(90_000 * tall * wide) + 300
        for round_ in range(3):
            up = rng.beta(1.1, 1.4, count)
            girth = wide * (1 - up) ** 0.65 * (0.55 + 0.45 * np.minimum(1, (up + 0.06) * 6))
            side = rng.uniform(-1, 1, count)
            py = foot_y - up * tall
            px = sample(lean, np.full(count, foot_x), py) + side * girth
            order = np.argsort(-py + rng.normal(0, 0.05, count))[::-1]
            tone = 0.18 + 0.16 * round_ + 0.22 * side + rng.normal(0, 0.15, count)
            marks = Marks(
                px[order],
                py[order],
                (0.062 - 0.009 * round_) * rng.uniform(0.6, 1.1, count),
                (0.014 - 0.003 * round_) * rng.uniform(0.7, 1.2, count),
                ramp(TREES, np.clip(tone[order], 0, 0.86)),
                ramp(TREES, np.clip(tone[order] + 0.15, 0, 1)),
            )
            canvas.stroke(rng, marks, Brush(bristles=6, dryness=0.15, streak=0.8), flow)


def paint(size: int, seed: int) -> Image.Image:
    """Paint the picture, RGB, `size` pixels on its longer side, the same for the same seed."""
    canvas = Canvas(size, ASPECT, seed)
    x, y = canvas.plane()
    flow = _sky_flow(canvas, x, y)
    plan = _sky(canvas, x, y, flow)
    canvas.lay(plan * 0.7)
    _paint_sky(canvas, plan, flow)
    _paint_hills(canvas, x, y)
    _paint_village(canvas)
    _paint_water(canvas, x, y)
    _paint_trees(canvas, x, y)
    canvas.relief(2.2, gloss=0.35)
    canvas.weave(0.02)
    return canvas.picture()
