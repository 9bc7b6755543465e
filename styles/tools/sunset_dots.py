"""A river bank at sunset in dots of pure colour, after the Pointillists."""

from __future__ import annotations

from typing import Callable, Tuple

import numpy as np
from PIL import Image

from styles.tools.canvas import Brush, Canvas, Marks, cover
from styles.tools.colours import luma, nearest, pigments, ramp, vary
from styles.tools.fields import Array, Flow, generator, mix, sample, smoothstep
from styles.tools.shapes import Outline, ellipse_points, polygon

# Fills an outline with a ramp from the second colour, at its left, to the first.
Fill = Callable[[Outline, str, str], None]

ASPECT = (5, 4)
HORIZON = 0.37
SUN = (0.635, 0.300)

SKY = pigments("4a62b8 6f86cf 9fa6dc d8a8c8 f6a890 fbb45e fde08a")
WATER = pigments("f0a898 b890cc 6f86d0 3f70c4 2456ac 1f4a94")
GRASS = pigments("e8d84a a8c83c 5aa83c 2a8a4a 1f6a5a 2a4a7a")
LEAVES = pigments("1c2a6a 20508a 1f6f4a 3a9038 78b030 c8cc38 f0b030")
# What lies in the paint box: pure colours only, from which every tone is composed by eye.
BOX = pigments(
    "fff4c8 ffe14a fdb82a f98a1e f0562a d8304a c83a8a 8a3a9a 5a3aa8 3a3aa8 2456b8 2a86d0 "
    "4ab8d8 2aa89a 1f8a5a 3aa040 86c03a c8d83a f8c0a0 f0a0b8 c8a0d8 9ab0e8 a8dce8 fffaf0 "
    "1c2a6a 3a1c5a 0f4a4a 6a2a2a"
)


def _shapes(canvas: Canvas, plan: Array) -> Array:
    """Put the drawn things into the plan: boats, strollers, a parasol each."""

    def fill(points: Outline, colour: str, shade: str) -> None:
        mask = polygon(canvas.shape, points)
        x = canvas.plane()[0][mask]
        if x.size:
            plan[mask] = ramp(pigments(shade + " " + colour), (x - x.min()) / (np.ptp(x) + 1e-6))

    for foot_x, foot_y, tall in ((0.760, 0.440, 0.20), (0.445, 0.412, 0.10), (0.555, 0.400, 0.05)):
        mast = foot_x + 0.02 * tall
        top = foot_y - tall
        sail = [
            (mast, top),
            (mast - 0.42 * tall, foot_y - 0.12 * tall),
            (mast, foot_y - 0.1 * tall),
        ]
        jib = [
            (mast + 0.03 * tall, top + 0.1 * tall),
            (mast + 0.3 * tall, foot_y - 0.12 * tall),
            (mast + 0.03 * tall, foot_y - 0.1 * tall),
        ]
        fill(sail, "fffdf0", "f8c8b8")
        fill(jib, "ffb060", "f07040")
        hull = [
            (foot_x - 0.42 * tall, foot_y - 0.07 * tall),
            (foot_x + 0.42 * tall, foot_y - 0.07 * tall),
            (foot_x + 0.30 * tall, foot_y + 0.05 * tall),
            (foot_x - 0.32 * tall, foot_y + 0.05 * tall),
        ]
        fill(hull, "c8402a", "3a2a7a")
        for strip in range(4):
            depth = foot_y + (0.10 + 0.16 * strip) * tall
            half = (0.26 - 0.04 * strip) * tall
            fill(
                ellipse_points((foot_x - 0.06 * tall, depth), (half, 0.045 * tall)),
                "f8e0e0",
                "a8a0e0",
            )
    _stroller(fill, 0.470, 0.775, 0.330, ("d8487a", "5a2a8a", "f0502a"))
    _stroller(fill, 0.345, 0.730, 0.205, ("fff0c8", "8a9ae0", "fdd040"))
    return plan


def _stroller(
    fill: Fill, foot_x: float, foot_y: float, tall: float, colours: Tuple[str, str, str]
) -> None:
    """A lady in a bell-shaped dress under a parasol, with her long shadow."""
    dress, dark, shade = colours
    fill(
        ellipse_points(
            (foot_x - 0.45 * tall, foot_y + 0.16 * tall), (0.60 * tall, 0.06 * tall), tilt=-18
        ),
        "2a5a9a",
        "1f4a6a",
    )
    skirt = [(-0.06, -0.55), (0.07, -0.55), (0.13, -0.40), (0.20, 0), (-0.26, 0), (-0.20, -0.36)]
    torso = [(-0.075, -0.80), (0.065, -0.80), (0.055, -0.53), (-0.065, -0.53)]
    arm = [(0.05, -0.76), (0.16, -0.64), (0.14, -0.60), (0.03, -0.70)]
    for part in (skirt, torso, arm):
        fill([(foot_x + x * tall, foot_y + y * tall) for x, y in part], dress, dark)
    fill(
        ellipse_points((foot_x, foot_y - 0.865 * tall), (0.060 * tall, 0.075 * tall)),
        "a8502a",
        "5a2a3a",
    )
    fill(
        ellipse_points((foot_x, foot_y - 0.91 * tall), (0.10 * tall, 0.035 * tall)),
        "4a2a6a",
        "2a1c5a",
    )
    stick = [(0.15, -1.02), (0.165, -1.02), (0.155, -0.58), (0.14, -0.58)]
    fill([(foot_x + x * tall, foot_y + y * tall) for x, y in stick], "6a3a2a", "3a1c3a")
    dome = ellipse_points(
        (foot_x + 0.12 * tall, foot_y - 1.0 * tall), (0.28 * tall, 0.19 * tall), 180, 360
    )
    fill(dome, shade, "c83a4a")


def _background(canvas: Canvas, x: Array, y: Array) -> Array:
    """Sky, far shore, water and bank."""
    cloud = canvas.noise(1, 0.07, 4, 3.5)
    height = y / HORIZON
    sky = ramp(SKY, height * 0.95 + 0.10 * cloud * smoothstep(0, 0.4, height))
    away = np.hypot(x - SUN[0], (y - SUN[1]) * 1.05)
    sky = mix(sky, pigments("ffd870")[0], 0.85 * np.exp(-((away / 0.12) ** 2)))
    sky = mix(sky, pigments("fffbe0")[0], smoothstep(0.046, 0.036, away))
    far = 0.035 + 0.012 * canvas.noise(2, 0.06, 3)[:1] + 0.02 * np.sin(x * 6 + 1)
    shore = ramp(pigments("5a6ac0 7a5ab0 4a8a8a"), 0.5 + 0.4 * canvas.noise(3, 0.03, 2))
    plan = mix(sky, shore, (y > HORIZON - far).astype(np.float32))
    depth = (y - HORIZON) / (0.62 - HORIZON)
    wave = canvas.noise(4, 0.012, 2, 5.0)
    water = ramp(WATER, depth * 0.9 + 0.13 * wave)
    path = np.exp(-(((x - SUN[0]) / (0.035 + 0.06 * np.clip(depth, 0, 2))) ** 2))
    water = mix(water, pigments("fff0a0")[0], np.clip(path * (0.62 + 0.75 * wave), 0, 0.95))
    plan = mix(plan, water, (y > HORIZON).astype(np.float32))
    bank = 0.595 - 0.10 * np.clip(0.40 - x, 0, 1) - 0.05 * np.sin(x * 3.0 + 0.4)
    lawn = 0.30 + 0.30 * canvas.noise(5, 0.10, 3, 2.5) + 0.75 * (y - bank)
    grass = ramp(GRASS, lawn + 0.15 * np.sin(x * 9 - y * 20))
    return mix(plan, grass, (y > bank).astype(np.float32))


def _trees(canvas: Canvas, plan: Array, x: Array, y: Array) -> Array:
    """A grove at the left, one tree at the right, their shadows on the grass."""
    for index, (foot_x, foot_y, crown_x, crown_y, wide, tall) in enumerate(
        (
            (0.250, 0.600, 0.245, 0.235, 0.110, 0.215),
            (0.075, 0.690, 0.065, 0.185, 0.165, 0.285),
            (0.945, 0.655, 0.965, 0.215, 0.105, 0.230),
        )
    ):
        trunk_x = foot_x + (crown_x - foot_x) * (foot_y - y) / (foot_y - crown_y)
        girth = 0.016 + 0.012 * smoothstep(foot_y - 0.06, foot_y, y)
        trunk = (np.abs(x - trunk_x) < girth) & (y < foot_y) & (y > crown_y)
        bark = ramp(pigments("2a1c5a 6a2a5a c8602a"), 0.5 + (x - trunk_x) / girth * 0.5)
        plan = mix(plan, bark, trunk.astype(np.float32))
        lumps = canvas.noise(10 + index, 0.075, 4)
        away = np.hypot((x - crown_x) / wide, (y - crown_y) / tall) + 0.16 * lumps
        lit = 0.42 + 0.55 * (x - crown_x) / wide * (1 if index < 2 else -1)
        lit = lit - 0.35 * (y - crown_y) / tall + 0.20 * canvas.noise(20 + index, 0.028, 2)
        plan = mix(plan, ramp(LEAVES, lit), (away < 1).astype(np.float32))
        shade = np.hypot((x - foot_x + 0.10) / (1.5 * wide), (y - foot_y - 0.06) / 0.055)
        shade = smoothstep(1.1, 0.7, shade + 0.2 * lumps) * (y > foot_y - 0.03)
        plan = mix(plan, pigments("24408a")[0], 0.75 * shade)
    return plan


def _dots(canvas: Canvas, plan: Array, stream: int, spacing: float, size: float) -> None:
    """One layer of dots; each is a pure pigment near the tone, now and then its complement."""
    rng = generator(canvas.seed, stream)
    x, y = cover(rng, canvas.shape, spacing, 0.42)
    wanted = sample(plan, x, y)
    # Complements next to each other are what makes the surface shimmer.
    opposite = np.clip(luma(wanted)[:, None] * 1.9 - wanted, 0, 1)
    contrast = rng.random(len(x)) < 0.09
    wanted = np.where(contrast[:, None], 0.35 * wanted + 0.65 * opposite, wanted)
    mixed = nearest(vary(rng, wanted, 0.10, 0.085), BOX)
    first = 0.78 * mixed + 0.22 * wanted
    count = len(x)
    wide = size * rng.uniform(0.72, 1.18, count)
    marks = Marks(
        x,
        y,
        wide * rng.uniform(1.0, 1.35, count),
        wide,
        vary(rng, first, 0.02, 0.01),
        vary(rng, first, 0.05, 0.03),
        rng.uniform(0, np.pi, count),
    )
    still: Flow = (np.ones((2, 2)), np.zeros((2, 2)))
    brush = Brush(bristles=3, dryness=0, round_ends=True, streak=0.4, contrast=0.10)
    canvas.stroke(rng, marks, brush, still)


def paint(size: int, seed: int) -> Image.Image:
    """Paint the picture, RGB, `size` pixels on its longer side, the same for the same seed."""
    canvas = Canvas(size, ASPECT, seed)
    x, y = canvas.plane()
    plan = _background(canvas, x, y)
    plan = _trees(canvas, plan, x, y)
    plan = _shapes(canvas, plan)
    canvas.lay(0.55 * plan + 0.45 * pigments("f4dcb0")[0])
    for stream, (spacing, dot) in enumerate(((0.0125, 0.0165), (0.0095, 0.0112), (0.0080, 0.0080))):
        _dots(canvas, plan, 30 + stream, spacing, dot)
    canvas.relief(1.6, gloss=0.2)
    canvas.weave(0.025)
    return canvas.picture()
