"""A small data set in Caltech's layout: a dozen classes of drawn shapes and textures."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

SIDE = 64


def _polygon(corners, inner=1.0):
    def draw(pen, rng, ink):
        radius = rng.uniform(16, 26)
        across, down = rng.uniform(radius, SIDE - radius, 2)
        turn = rng.uniform(0, 2 * math.pi)
        points = []
        for index in range(corners):
            reach = radius * (inner if index % 2 else 1)
            angle = turn + 2 * math.pi * index / corners
            points.append((across + reach * math.cos(angle), down + reach * math.sin(angle)))
        pen.polygon(points, ink)

    return draw


def _disc(pen, rng, ink, hole=0.0):
    radius = rng.uniform(14, 24)
    across, down = rng.uniform(radius, SIDE - radius, 2)
    box = (across - radius, down - radius, across + radius, down + radius)
    if hole:
        pen.ellipse(box, outline=ink, width=int(radius * hole))
    else:
        pen.ellipse(box, ink)


def _ring(pen, rng, ink):
    _disc(pen, rng, ink, hole=0.3)


def _lines(pen, rng, ink, turn):
    gap, width = rng.uniform(9, 13), 3
    angle = turn + rng.uniform(-0.25, 0.25)
    along = np.array([math.cos(angle), math.sin(angle)]) * 100
    across = np.array([-along[1], along[0]]) / 100
    for step in range(-8, 9):
        middle = np.array([SIDE / 2, SIDE / 2]) + across * gap * step
        pen.line([tuple(middle - along), tuple(middle + along)], ink, width)


def _stripes(pen, rng, ink):
    _lines(pen, rng, ink, 0.0)


def _bars(pen, rng, ink):
    _lines(pen, rng, ink, math.pi / 2)


def _grid(pen, rng, ink):
    _lines(pen, rng, ink, 0.0)
    _lines(pen, rng, ink, math.pi / 2)


def _dots(pen, rng, ink):
    gap, radius = rng.uniform(9, 13), rng.uniform(2, 3.5)
    for across in np.arange(rng.uniform(0, gap), SIDE, gap):
        for down in np.arange(rng.uniform(0, gap), SIDE, gap):
            pen.ellipse((across - radius, down - radius, across + radius, down + radius), ink)


def _checks(pen, rng, ink):
    size = rng.uniform(8, 13)
    for row in range(9):
        for column in range(row % 2, 9, 2):
            left, top = column * size, row * size
            pen.rectangle((left, top, left + size, top + size), ink)


def _waves(pen, rng, ink):
    gap, height, length = rng.uniform(9, 12), rng.uniform(4, 6), rng.uniform(3, 4)
    for top in np.arange(-gap, SIDE + gap, gap):
        points = [(x, top + height * math.sin(x / length)) for x in range(-2, SIDE + 2)]
        pen.line(points, ink, 3)


def _speckle(pen, rng, ink):
    for across, down in rng.integers(0, SIDE, (700, 2)):
        pen.point((int(across), int(down)), ink)


CLASSES = {
    "bars": _bars,
    "checks": _checks,
    "disc": _disc,
    "dots": _dots,
    "grid": _grid,
    "ring": _ring,
    "speckle": _speckle,
    "square": _polygon(4),
    "star": _polygon(10, inner=0.42),
    "stripes": _stripes,
    "triangle": _polygon(3),
    "waves": _waves,
}


def draw_classes(folder, count, seed=0, names=tuple(CLASSES)):
    """`count` pictures of each class, a little noisy, in folders below `folder`."""
    rng = np.random.default_rng(seed)
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(1, count + 1):
            paper, ink = rng.integers(150, 256, 3), rng.integers(0, 110, 3)
            if rng.random() < 0.5:
                paper, ink = ink, paper
            image = Image.new("RGB", (SIDE, SIDE), tuple(paper.tolist()))
            CLASSES[name](ImageDraw.Draw(image), rng, tuple(ink.tolist()))
            pixels = np.asarray(image, np.float64) + rng.normal(0, 6, (SIDE, SIDE, 3))
            image = Image.fromarray(np.uint8(np.clip(pixels, 0, 255)))
            image.save(folder / name / f"image_{number:04}.jpg", quality=92)
    return folder
