"""A guitar, a bottle and fruit seen from many sides at once, after the Cubists."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np
from PIL import Image

from styles.tools.canvas import Brush, Canvas
from styles.tools.colours import pigments, ramp, saturate
from styles.tools.fields import Array, generator, mix, sample
from styles.tools.shapes import Point, curve, ellipse_points, polygon
from styles.tools.sheet import Sheet

ASPECT = (4, 5)

WALL = pigments("1f3f6a 2f6a8a 7fa8a0 d8b878 e8a04a")
WOOD = pigments("5a2418 9a3f1e d0702a f0a848 f8d890")
CLOTH = pigments("f6ead0 d8c8a8 8aa0a8 3a5a7a")
INK = pigments("1a1418")[0]
LIGHT = pigments("fdf2d8")[0]


class Scene:
    """The still life before it breaks: colours [H, W, 3] and a number [H, W] for every thing."""

    def __init__(self, ground: Array) -> None:
        """Start from the wall."""
        self.plan = ground
        self.things = np.zeros(ground.shape[:2], np.int64)
        self._count = 0

    def put(self, mask: Array, colour: Array) -> None:
        """Set a thing of one colour picture [H, W, 3] in front of the others."""
        self._count += 1
        self.plan[mask] = colour[mask]
        self.things[mask] = self._count

    def shape(self, points: List[Point], colours: str, across: float) -> None:
        """Set a polygon filled with a ramp of colours that runs in the direction `across`."""
        mask = polygon(self.plan.shape[:2], points)
        rows, columns = np.nonzero(mask)
        if not len(rows):
            return
        self._count += 1
        along = columns * np.cos(across) + rows * np.sin(across)
        place = (along - along.min()) / (np.ptp(along) + 1e-6)
        self.plan[mask] = ramp(pigments(colours), place)
        self.things[mask] = self._count


def _guitar(scene: Scene) -> None:
    """Body, sound hole, neck and strings, leaning to the right."""
    lower = ellipse_points((0.375, 0.660), (0.205, 0.180), tilt=-28)
    upper = ellipse_points((0.470, 0.455), (0.145, 0.130), tilt=-28)
    for outline in (lower, upper):
        scene.shape(outline, "6a2a1a c8601f f0a040 fbd488", 0.5)
    waist = [(0.270, 0.520), (0.370, 0.470), (0.560, 0.560), (0.520, 0.660)]
    scene.shape(waist, "c8601f f0a040", 0.5)
    scene.shape(ellipse_points((0.425, 0.560), (0.062, 0.062)), "140e14 3a1a1a", 0.3)
    neck = [(0.408, 0.555), (0.446, 0.570), (0.640, 0.130), (0.596, 0.115)]
    scene.shape(neck, "2a1414 6a3018 3a1a14", 0.0)
    head = [(0.586, 0.130), (0.655, 0.150), (0.695, 0.040), (0.610, 0.020)]
    scene.shape(head, "8a3a1a d8843a", 1.0)
    bridge = [(0.300, 0.705), (0.400, 0.750), (0.392, 0.772), (0.292, 0.727)]
    scene.shape(bridge, "2a1414 4a2018", 0.0)
    for index in range(5):
        shift = 0.0085 * (index - 2)
        foot, top = (0.350 + shift, 0.735 + 0.4 * shift), (0.622 + 0.6 * shift, 0.110)
        string = [foot, (foot[0] + 0.0035, foot[1]), (top[0] + 0.003, top[1]), top]
        scene.shape(string, "fff0c8 f0d8a0", 0.0)


def _things(scene: Scene) -> None:
    """Bottle, bowl of fruit, newspaper and glass around the guitar."""
    paper = [(0.435, 0.800), (0.690, 0.730), (0.770, 0.900), (0.500, 0.985)]
    scene.shape(paper, "fdf4dc e8d8b0", 0.6)
    for row in range(9):
        left = (0.462 + 0.0065 * row, 0.815 + 0.0175 * row)
        right = (0.665 + 0.0085 * row, 0.760 + 0.0165 * row)
        line = [left, right, (right[0], right[1] + 0.005), (left[0], left[1] + 0.005)]
        scene.shape(line, "2a2430 4a4450", 0.0)
    bottle = (
        curve(
            [
                (0.085, 0.78),
                (0.075, 0.50),
                (0.085, 0.38),
                (0.125, 0.31),
                (0.132, 0.16),
                (0.178, 0.16),
            ]
        ).tolist()
        + curve(
            [(0.178, 0.16), (0.185, 0.31), (0.225, 0.38), (0.235, 0.50), (0.225, 0.78)]
        ).tolist()
    )
    scene.shape(bottle, "0f2a2a 1f5a4a 3a9a6a b8e0a0 1f6a5a 0f2a2a", 0.0)
    scene.shape([(0.082, 0.52), (0.230, 0.52), (0.230, 0.66), (0.082, 0.66)], "f8e8c0 e0b870", 0.4)
    scene.shape(ellipse_points((0.155, 0.59), (0.045, 0.045)), "d83a2a 9a1f2a", 0.4)
    for centre, radius, colours in (
        ((0.640, 0.600), 0.058, "f8d040 e87a1f a83a1a"),
        ((0.725, 0.575), 0.062, "f06a3a d82a2a 7a1428"),
        ((0.690, 0.655), 0.060, "d8e060 7ab03a 2a6a3a"),
    ):
        scene.shape(ellipse_points(centre, (radius, radius)), colours, 0.8)
    bowl = ellipse_points((0.675, 0.665), (0.120, 0.105), 0, 180)
    scene.shape(bowl, "e8f0f0 7ab0c8 2456a0 16305a", 0.3)
    glass = [(0.060, 0.800), (0.215, 0.800), (0.190, 0.965), (0.085, 0.965)]
    scene.shape(glass, "d8f0f0 6ab0c0 f8f8e8 3a7a9a", 0.0)


def _still_life(canvas: Canvas, x: Array, y: Array) -> Scene:
    """Wall, window, table and cloth, and everything that stands there."""
    slant = x * 0.9 + (y - 0.3) * 0.8
    scene = Scene(ramp(WALL, 1.0 - slant + 0.08 * canvas.noise(1, 0.2, 2)))
    shape = canvas.shape
    window = polygon(shape, [(0.30, -0.1), (0.86, -0.1), (0.86, 0.40), (0.22, 0.33)])
    scene.put(window, ramp(pigments("d8ecf0 5aa8d8 1f4fa8 16306a"), slant + 0.1))
    for left in (0.33, 0.50, 0.72):
        bar = [(left, -0.1), (left + 0.03, -0.1), (left + 0.01, 0.40), (left - 0.02, 0.40)]
        scene.shape(bar, "f0e0b8 8a6a4a", 0.0)
    hill = curve([(0.2, 0.34), (0.45, 0.20), (0.60, 0.26), (0.75, 0.14), (0.9, 0.2)]).tolist()
    scene.shape([*hill, (0.9, 0.42), (0.2, 0.36)], "2a7a5a 7ab85a d8c85a", 0.0)
    curtain = curve([(0.70, -0.1), (0.76, 0.1), (0.70, 0.25), (0.77, 0.45)]).tolist()
    scene.shape([*curtain, (0.9, 0.45), (0.9, -0.1)], "7a1428 d83a2a f08a4a c82a2a 6a1428", 0.0)
    table = y > 0.69 + 0.09 * np.sin(x * 4 - 0.6)
    scene.put(table, ramp(WOOD, 0.15 + 0.7 * x + 0.3 * np.sin(y * 30)))
    cloth = polygon(shape, [(0.18, 0.86), (0.50, 0.78), (0.62, 1.05), (0.02, 1.05)])
    scene.put(cloth, ramp(CLOTH, (y - 0.8) * 3 + 0.3 * np.sin(x * 40 + y * 30)))
    _things(scene)
    _guitar(scene)
    return scene


Facet = List[Point]


def _split(facet: Facet, through: Point, angle: float) -> Tuple[Facet, Facet]:
    """The two parts of a convex facet on either side of a line."""
    normal = (-np.sin(angle), np.cos(angle))
    sides = [(p[0] - through[0]) * normal[0] + (p[1] - through[1]) * normal[1] for p in facet]
    parts: Tuple[Facet, Facet] = [], []
    for index, point in enumerate(facet):
        following = (index + 1) % len(facet)
        parts[int(sides[index] > 0)].append(point)
        if sides[index] * sides[following] < 0:
            share = sides[index] / (sides[index] - sides[following])
            other = facet[following]
            cut = (
                point[0] + share * (other[0] - point[0]),
                point[1] + share * (other[1] - point[1]),
            )
            parts[0].append(cut)
            parts[1].append(cut)
    return parts


def _extent(facet: Facet) -> float:
    corners = np.array(facet)
    x, y = corners[:, 0], corners[:, 1]
    return 0.5 * abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))))


def _facets(rng: np.random.Generator) -> List[Facet]:
    """Break the canvas into slanting facets, small around the guitar, large at the edges."""
    done: List[Facet] = []
    waiting: List[Facet] = [[(-0.05, -0.05), (0.85, -0.05), (0.85, 1.05), (-0.05, 1.05)]]
    axes = np.radians([-62, 28, 78, -18, -80, 52])
    while waiting:
        facet = waiting.pop()
        middle = np.mean(facet, axis=0)
        away = np.hypot(middle[0] - 0.42, (middle[1] - 0.52) * 0.8)
        if _extent(facet) < (0.0045 + 0.024 * away) * rng.uniform(0.7, 2.2):
            done.append(facet)
            continue
        weights = rng.dirichlet(np.full(len(facet), 4.0))
        through = weights @ np.array(facet)
        angle = rng.choice(axes) + rng.normal(0, 0.09)
        parts = _split(facet, (float(through[0]), float(through[1])), float(angle))
        if min(len(part) for part in parts) < 3 or min(map(_extent, parts)) < 4e-4:
            waiting.append(facet)
            continue
        waiting.extend(parts)
    return done


def _break_up(canvas: Canvas, scene: Scene, sheet: Sheet, x: Array, y: Array) -> List[Facet]:
    """Lay the facets: each shows the scene shifted, turned and shaded from one of its edges."""
    rng = generator(canvas.seed, 2)
    lines: List[Facet] = []
    for facet in _facets(rng):
        corners = np.array(facet)
        mask = polygon(canvas.shape, facet)
        if not mask.any():
            continue
        middle = corners.mean(axis=0)
        px, py = x[mask] - middle[0], y[mask] - middle[1]
        turn, zoom = rng.normal(0, 0.24), rng.uniform(0.72, 1.12)
        shift = rng.normal(0, 0.026, 2)
        u = middle[0] + shift[0] + zoom * (px * np.cos(turn) - py * np.sin(turn))
        v = middle[1] + shift[1] + zoom * (px * np.sin(turn) + py * np.cos(turn))
        colour = sample(scene.plan, u, v)
        edge = int(rng.integers(len(facet)))
        along = corners[(edge + 1) % len(facet)] - corners[edge]
        angle = float(np.arctan2(along[1], along[0]))
        from_edge = (px - corners[edge][0] + middle[0]) * -np.sin(angle)
        from_edge = np.abs(from_edge + (py - corners[edge][1] + middle[1]) * np.cos(angle))
        place = from_edge / (from_edge.max() + 1e-6)
        toward = rng.choice([-1, 1], p=[0.5, 0.5])
        shade = toward * (place - 0.5) * rng.uniform(0.35, 1.0)
        colour = mix(colour, LIGHT, np.clip(shade, 0, 1) * 0.75)
        colour = colour * (1 + np.clip(shade, -1, 0) * 1.15)[:, None]
        sheet.plan[mask] = colour
        sheet.regions[mask] = len(lines) * 256 + sample(scene.things, u, v)
        sheet.turn[mask] = angle + rng.choice([0.0, np.pi / 2, 0.6])
        lines.append(facet)
    return lines


def _contours(canvas: Canvas, sheet: Sheet, facets: List[Facet]) -> None:
    """Broken dark and light lines along some edges, and long arcs across them."""
    rng = generator(canvas.seed, 3)
    for index, facet in enumerate(facets):
        edge = int(rng.integers(len(facet)))
        path = np.array([facet[edge], facet[(edge + 1) % len(facet)]])
        if np.hypot(*(path[1] - path[0])) < 0.02:
            continue
        dark = rng.random() < 0.72
        sheet.line(
            200 + index,
            path,
            rng.uniform(0.0030, 0.0062) * (1 if dark else 0.8),
            INK if dark else LIGHT,
        )
    arcs = (
        ((0.375, 0.660), (0.215, 0.190), 20, 170, -28),
        ((0.375, 0.660), (0.180, 0.155), 190, 300, -28),
        ((0.470, 0.455), (0.150, 0.135), -70, 60, -28),
        ((0.425, 0.560), (0.066, 0.066), -30, 200, 0),
        ((0.675, 0.665), (0.130, 0.112), 10, 150, 0),
        ((0.155, 0.40), (0.085, 0.25), 150, 280, 0),
    )
    for index, (centre, radii, start, stop, tilt) in enumerate(arcs):
        path = np.array(ellipse_points(centre, radii, start, stop, tilt))
        sheet.line(600 + index, path, 0.0058, INK)


def paint(size: int, seed: int) -> Image.Image:
    """Paint the picture, RGB, `size` pixels on its longer side, the same for the same seed."""
    canvas = Canvas(size, ASPECT, seed)
    x, y = canvas.plane()
    scene = _still_life(canvas, x, y)
    sheet = Sheet(canvas, scene.plan)
    facets = _break_up(canvas, scene, sheet, x, y)
    mottle = 0.6 * canvas.noise(4, 0.05, 3) + 0.4 * canvas.noise(5, 0.010, 2)
    # The light and dark ends of the planes wash the pigments out; this brings them back.
    sheet.plan = saturate(sheet.plan * (1 + 0.09 * mottle)[..., None], 1.28)
    layers = ((0.0125, 0.050, 0.018), (0.0095, 0.034, 0.0115), (0.0110, 0.024, 0.0075))
    sheet.paint(20, layers, Brush(bristles=8, dryness=0.12, streak=0.5), 0.035, 0.018)
    _contours(canvas, sheet, facets)
    canvas.relief(2.0, gloss=0.25)
    canvas.weave(0.03)
    return canvas.picture()
