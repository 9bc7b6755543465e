"""Circles, lines and coloured squares, after the painters of the Bauhaus."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np
from PIL import Image

from styles.tools.canvas import Brush, Canvas
from styles.tools.colours import luma, pigments
from styles.tools.fields import Array, generator, mix
from styles.tools.shapes import polygon
from styles.tools.sheet import Sheet

ASPECT = (5, 4)

GROUND = pigments(
    "e8c888 e0a458 d8783c c8503a 9a3a4a 3a5a7a 2a7a8a 5a9a8a d8c8a0 f0dca8 6a4a6a 1f3a5a"
)
ACCENT = pigments("f8b820 e83a28 1f4a9a 12102a f4e4c0 1f8a8a e86a2a 7a2a5a 88b8b0 f0a0a0")
INK = pigments("14101e")[0]

Box = Tuple[float, float, float, float]


def _squares(rng: np.random.Generator, box: Box, least: float) -> List[Box]:
    """Cut a rectangle again and again into an uneven quilt."""
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    if max(wide, tall) < least * rng.uniform(1.0, 2.1):
        return [box]
    cut = rng.uniform(0.36, 0.64)
    if wide > tall:
        middle = left + cut * wide
        parts: Tuple[Box, Box] = (left, top, middle, bottom), (middle, top, right, bottom)
    else:
        middle = top + cut * tall
        parts = (left, top, right, middle), (left, middle, right, bottom)
    return _squares(rng, parts[0], least) + _squares(rng, parts[1], least)


def _quilt(sheet: Sheet, x: Array, y: Array) -> List[Box]:
    """The ground of coloured squares, warm in the middle and cool towards the corners."""
    rng = generator(sheet.canvas.seed, 1)
    boxes = _squares(rng, (0.0, 0.0, 1.0, 0.8), 0.105)
    for left, top, right, bottom in boxes:
        skew = 0.012 * (x - 0.5) * rng.normal(), 0.012 * (y - 0.4) * rng.normal()
        inside = (x >= left + skew[1]) & (x < right + skew[1])
        inside &= (y >= top + skew[0]) & (y < bottom + skew[0])
        middle = np.hypot((left + right) / 2 - 0.55, (top + bottom) / 2 - 0.42)
        odds = np.where(luma(GROUND) > 0.5, 1.6 - 1.6 * middle, 0.25 + 1.5 * middle)
        odds = np.clip(odds, 0.1, None)
        first, second = GROUND[rng.choice(len(GROUND), 2, p=odds / odds.sum())]
        fade = np.clip((x - left) / (right - left) * 0.5 + (y - top) / (bottom - top) * 0.5, 0, 1)
        sheet.add(inside, mix(first, 0.7 * first + 0.3 * second, fade), rng.choice([0.1, 1.5, 0.8]))
    return boxes


def _rings(
    sheet: Sheet, x: Array, y: Array, centre: Tuple[float, float], radius: float, colours: Array
) -> None:
    """Concentric rings from the outside in, wobbling as a hand does."""
    dx, dy = x - centre[0], y - centre[1]
    turn = np.arctan2(dy, dx)
    rng = generator(sheet.canvas.seed, int(centre[0] * 9973 + centre[1] * 7919) + 50)
    share = 1.0
    for colour in colours:
        wobble = 1 + 0.025 * np.sin(turn * 2 + rng.uniform(0, 6)) + 0.012 * np.sin(5 * turn + share)
        edge = radius * share * wobble
        sheet.add(np.hypot(dx, dy) < edge, colour, turn + np.pi / 2)
        share *= rng.uniform(0.60, 0.80)


def _ringed_squares(sheet: Sheet, x: Array, y: Array, boxes: List[Box]) -> None:
    """Rings sit in many of the squares."""
    rng = generator(sheet.canvas.seed, 2)
    for left, top, right, bottom in boxes:
        small = min(right - left, bottom - top)
        if rng.random() < 0.42 or small < 0.05:
            continue
        centre = (left + right) / 2, (top + bottom) / 2
        picks = rng.choice(len(ACCENT), rng.integers(3, 6), replace=False)
        _rings(sheet, x, y, centre, small * rng.uniform(0.34, 0.47), ACCENT[picks])


def _checker(sheet: Sheet, x: Array, y: Array, corner: Tuple[float, float], tilt: float) -> None:
    """A tilted chess-board of two inks."""
    u = (x - corner[0]) * np.cos(tilt) + (y - corner[1]) * np.sin(tilt)
    v = -(x - corner[0]) * np.sin(tilt) + (y - corner[1]) * np.cos(tilt)
    step = 0.021
    inside = (u > 0) & (u < 6 * step) & (v > 0) & (v < 5 * step)
    odd = (np.floor(u / step) + np.floor(v / step)).astype(int) % 2 == 1
    sheet.add(inside, pigments("f4e4c0")[0], tilt, 0.92)
    sheet.add(inside & odd, INK, tilt)


def _big_planes(sheet: Sheet, x: Array, y: Array) -> None:
    """The few large shapes that carry the composition."""
    shape = sheet.canvas.shape
    away = np.hypot(x - 0.25, y - 0.255)
    tangent = np.arctan2(y - 0.255, x - 0.25) + np.pi / 2
    sheet.add(away < 0.215, pigments("f6c890")[0], tangent, 0.45)
    sheet.add(away < 0.175, pigments("14142e")[0], tangent, 0.93)
    # Each ring leans a little further to the upper right, so that the disc turns.
    for colour, radius, lean in (
        ("7a2460", 0.138, 0.016),
        ("e8602a", 0.112, 0.026),
        ("1f7a8a", 0.088, 0.036),
        ("f4d890", 0.060, 0.048),
        ("c82a3a", 0.036, 0.058),
        ("f8b820", 0.016, 0.064),
    ):
        spin = np.arctan2(y - 0.255 + 0.7 * lean, x - 0.25 - lean) + np.pi / 2
        inside = np.hypot(x - 0.25 - lean, y - 0.255 + 0.7 * lean) < radius
        sheet.add(inside, pigments(colour)[0], spin)
    wedges = (
        ([(0.47, 0.06), (0.66, 0.72), (0.36, 0.63)], "f8b820", 0.72, 1.2),
        ([(0.99, 0.10), (0.58, 0.34), (0.86, 0.52)], "1f4a9a", 0.66, 2.7),
        ([(0.02, 0.76), (0.42, 0.52), (0.34, 0.79)], "e83a28", 0.75, -0.5),
    )
    for points, colour, opacity, turn in wedges:
        sheet.add(polygon(shape, points), pigments(colour)[0], turn, opacity)
    for centre, radius, colour, opacity in (
        ((0.775, 0.600), 0.150, "d8404a", 0.70),
        ((0.865, 0.655), 0.085, "f8c850", 0.75),
        ((0.690, 0.500), 0.070, "1f8a8a", 0.80),
        ((0.560, 0.205), 0.060, "7a2a5a", 0.80),
        ((0.130, 0.560), 0.062, "2456a8", 0.78),
    ):
        spin = np.arctan2(y - centre[1], x - centre[0]) + np.pi / 2
        inside = np.hypot(x - centre[0], y - centre[1]) < radius
        sheet.add(inside, pigments(colour)[0], spin, opacity)
    half = (np.hypot(x - 0.455, y - 0.615) < 0.10) & (y - 0.615 < 0.35 * (x - 0.455))
    sheet.add(half, INK, 0.35, 0.88)


def _arc(centre: Tuple[float, float], radius: float, start: float, stop: float) -> Array:
    turn = np.radians(np.linspace(start, stop, 60))
    return np.stack([centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn)], 1)


def _lines(sheet: Sheet) -> None:
    """Taut lines, staves, arcs and a fan of rays over everything."""
    count = 100
    long_lines = (
        ((0.03, 0.70), (0.97, 0.05), 0.0070),
        ((0.36, 0.02), (0.92, 0.78), 0.0055),
        ((0.02, 0.46), (0.70, 0.77), 0.0045),
        ((0.52, 0.78), (0.62, 0.03), 0.0038),
    )
    for start, stop, width in long_lines:
        sheet.line(count, np.array([start, stop]), width, INK)
        count += 1
    for index in range(7):
        shift = 0.016 * index
        path = np.array([(0.625 + shift, 0.075), (0.715 + shift, 0.255)])
        sheet.line(count + index, path, 0.0036, INK)
        path = np.array([(0.06, 0.655 + shift * 0.8), (0.285, 0.600 + shift * 0.8)])
        sheet.line(count + 10 + index, path, 0.0034, pigments("f4e4c0")[0])
    for index, turn in enumerate(np.linspace(-2.5, -1.2, 9)):
        tip = np.array([(0.93, 0.775), (0.93 + 0.24 * np.cos(turn), 0.775 + 0.24 * np.sin(turn))])
        sheet.line(count + 30 + index, tip, 0.0036, INK if index % 3 else ACCENT[0])
    arcs = (
        ((0.25, 0.255), 0.235, 150, 330, 0.0065),
        ((0.25, 0.255), 0.252, 175, 300, 0.0035),
        ((0.775, 0.600), 0.178, -150, 40, 0.0060),
        ((0.560, 0.205), 0.085, 20, 250, 0.0050),
        ((0.130, 0.560), 0.080, 90, 330, 0.0045),
    )
    for index, (centre, radius, start_turn, stop_turn, width) in enumerate(arcs):
        sheet.line(count + 50 + index, _arc(centre, radius, start_turn, stop_turn), width, INK)


def paint(size: int, seed: int) -> Image.Image:
    """Paint the picture, RGB, `size` pixels on its longer side, the same for the same seed."""
    canvas = Canvas(size, ASPECT, seed)
    x, y = canvas.plane()
    bent_x = x + 0.0022 * canvas.noise(3, 0.05, 2)
    bent_y = y + 0.0022 * canvas.noise(4, 0.05, 2)
    sheet = Sheet(canvas, GROUND[0])
    boxes = _quilt(sheet, bent_x, bent_y)
    _ringed_squares(sheet, bent_x, bent_y, boxes)
    _big_planes(sheet, bent_x, bent_y)
    _checker(sheet, bent_x, bent_y, (0.80, 0.300), 0.32)
    _checker(sheet, bent_x, bent_y, (0.405, 0.350), -0.45)
    sponge = 0.55 * canvas.noise(5, 0.09, 4) + 0.45 * canvas.noise(6, 0.012, 3)
    sheet.plan = np.clip(sheet.plan * (1 + 0.13 * sponge)[..., None], 0, 1)
    layers = ((0.0125, 0.050, 0.015), (0.0090, 0.034, 0.0095), (0.0115, 0.020, 0.0060))
    sheet.paint(20, layers, Brush(bristles=8, dryness=0.35, streak=0.5), 0.045, 0.022)
    _lines(sheet)
    canvas.relief(1.7, gloss=0.2)
    canvas.weave(0.03)
    canvas.grain(0.03, 0.004)
    return canvas.picture()
