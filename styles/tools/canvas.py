"""The canvas: brush strokes with bristles, paint relief, grain, and the final reduction.

A picture is painted at `OVERSAMPLE` times its size and reduced at the end, so that strokes,
bristles and contours need no smoothing of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from PIL import Image
from scipy import ndimage

from styles.tools.fields import Array, Flow, generator, noise, plane, sample

OVERSAMPLE = 2
_BATCH_SAMPLES = 3_000_000
_TEXTURES = 24
_TEXTURE_LENGTH = 96
_TEXTURE_WIDTH = 32
_THREADS = 420


@dataclass(frozen=True)
class Brush:
    """How a brush lays its paint on.

    `bristles` is the number of ridges across, `dryness` (0..1) the share of bare gaps, `ragged`
    how unevenly the ends break off, `round_ends` makes an ellipse of the mark, `streak` is how
    much of the second pigment shows and `contrast` how much the ridges vary in brightness.
    """

    bristles: int = 9
    dryness: float = 0.1
    ragged: float = 0.25
    round_ends: bool = False
    streak: float = 0.5
    contrast: float = 0.12


@dataclass(frozen=True)
class Marks:
    """Strokes in painting order: places, sizes (all [N], in picture units), pigments [N, 3].

    A stroke follows the flow that `Canvas.stroke` is given unless `angle` [N] (radians) is set.
    """

    x: Array
    y: Array
    length: Array
    width: Array
    first: Array
    second: Array
    angle: Optional[Array] = None


def cover(
    rng: np.random.Generator, shape: Tuple[int, int], spacing: float, jitter: float = 0.5
) -> Tuple[Array, Array]:
    """Places x, y [N] spread evenly over the picture and a little past it, in random order."""
    unit = max(shape)
    columns = int(np.ceil(shape[1] / unit / spacing)) + 2
    rows = int(np.ceil(shape[0] / unit / spacing)) + 2
    grid_y, grid_x = np.mgrid[0:rows, 0:columns] - 0.5
    places = np.stack([grid_x.ravel() + 0.5 * (grid_y.ravel() % 2 > 1), grid_y.ravel()])
    places = (places + rng.uniform(-jitter, jitter, places.shape)) * spacing
    places = places[:, rng.permutation(places.shape[1])]
    return places[0], places[1]


def _textures(rng: np.random.Generator, brush: Brush) -> Tuple[Array, Array]:
    """Paint height and coverage, both [K, length, width], of single strokes of a brush."""
    size = (_TEXTURES, _TEXTURE_LENGTH, _TEXTURE_WIDTH)
    across = max(_TEXTURE_WIDTH / (2.5 * brush.bristles), 0.4)
    ridges = ndimage.gaussian_filter(rng.standard_normal(size), (0, 14, across))
    ridges = ridges / ridges.std() * 0.22 + 0.5
    u = np.linspace(0, 1, _TEXTURE_LENGTH)[None, :, None]
    v = np.linspace(-1, 1, _TEXTURE_WIDTH)[None, None, :]
    ends = ndimage.gaussian_filter1d(rng.standard_normal((_TEXTURES, 2, _TEXTURE_WIDTH)), 1.2)
    start = 0.10 * brush.ragged * (1 + np.abs(ends[:, 0, None, :]) * 3)
    stop = 1 - 0.35 * brush.ragged * np.abs(ends[:, 1, None, :]) * 2
    cover_map = (u >= start) & (u <= stop)
    if brush.round_ends:
        wobble = 1 + 0.06 * rng.standard_normal((_TEXTURES, 1, 1))
        cover_map = (2 * u - 1) ** 2 + v**2 <= wobble
    else:
        cover_map = cover_map & (np.abs(v) <= 1 - 0.5 * np.abs(2 * u - 1) ** 5)
    # Paint runs out towards the end of the stroke, and first between the ridges.
    cover_map = cover_map & (ridges > np.quantile(ridges, brush.dryness * 0.6) * (0.5 + 0.7 * u))
    rim = 0.25 * np.exp(-(((np.abs(v) - 0.85) / 0.12) ** 2))
    body = np.sqrt(np.clip(1.02 - v**2, 0, 1)) * (0.6 + 0.4 * np.sin(np.pi * np.clip(u, 0, 1)))
    return (ridges * body + rim * body).astype(np.float32), cover_map


class Canvas:
    """A picture in progress: `colour` float32 [H, W, 3] in [0, 1] and `height` [H, W]."""

    def __init__(self, size: int, aspect: Tuple[int, int], seed: int) -> None:
        """Start a canvas of `size` pixels on its longer side and an aspect (width, height)."""
        longer = max(aspect)
        self.target = (
            round(size * aspect[0] / longer),
            round(size * aspect[1] / longer),
        )
        self.shape = (self.target[1] * OVERSAMPLE, self.target[0] * OVERSAMPLE)
        self.unit = max(self.shape)
        self.seed = seed
        self.colour: Array = np.zeros(self.shape + (3,), np.float32)
        self.height: Array = np.zeros(self.shape, np.float32)

    def plane(self) -> Tuple[Array, Array]:
        """x and y, float32 [H, W], of every pixel."""
        return plane(self.shape)

    def noise(self, stream: int, cell: float, octaves: int = 1, stretch: float = 1.0) -> Array:
        """`fields.noise` over this canvas; `stretch` > 1 draws the blobs out along x."""
        rng = generator(self.seed, stream)
        return noise(rng, self.shape, (cell * stretch, cell), octaves)

    def lay(self, colour: Array) -> None:
        """Fill the canvas with a colour [3] or a picture [H, W, 3] in [0, 1]."""
        self.colour[:] = colour

    def stroke(
        self,
        rng: np.random.Generator,
        marks: Marks,
        brush: Brush,
        flow: Flow,
        regions: Optional[Array] = None,
    ) -> None:
        """Paint strokes in order; `flow` is a pair of fields [h, w] of directions.

        With `regions` (integers [H, W]) a stroke stays inside the region where its middle lies.
        """
        ridges, covers = _textures(rng, brush)
        kinds = rng.integers(0, _TEXTURES, len(marks.x))
        steps = max(int(np.ceil(float(np.max(marks.length)) * self.unit * 1.25)), 2)
        tracks = max(int(np.ceil(float(np.max(marks.width)) * self.unit * 1.25)), 2)
        batch = max(_BATCH_SAMPLES // (steps * tracks), 1)
        for begin in range(0, len(marks.x), batch):
            part = slice(begin, begin + batch)
            x, y, turn_x, turn_y = self._centre_lines(marks, part, steps, flow)
            v = np.linspace(-0.5, 0.5, tracks, dtype=np.float32)[None, None, :]
            offset = v * marks.width[part, None, None].astype(np.float32)
            across_x = x[:, :, None] - turn_y[:, :, None] * offset
            across_y = y[:, :, None] + turn_x[:, :, None] * offset
            texture = self._lookup(kinds[part], steps, tracks)
            place, keep = self._places(across_x, across_y, covers[texture])
            if regions is not None:
                home = sample(regions, marks.x[part], marks.y[part])
                keep &= regions.reshape(-1)[place] == home[:, None, None]
            self._deposit(place, keep, ridges[texture], marks, part, brush)

    def _centre_lines(
        self, marks: Marks, part: slice, steps: int, flow: Flow
    ) -> Tuple[Array, Array, Array, Array]:
        """Points and directions [n, steps] along each stroke, which is centred on its place."""
        x, y = marks.x[part].astype(np.float32), marks.y[part].astype(np.float32)
        pace = (marks.length[part] / steps).astype(np.float32)
        shape = (len(x), steps)
        points = [np.empty(shape, np.float32) for _ in range(4)]
        if marks.angle is not None:
            along = (np.arange(steps, dtype=np.float32) - steps / 2)[None, :] * pace[:, None]
            turn = marks.angle[part].astype(np.float32)[:, None]
            points[2][:], points[3][:] = np.cos(turn), np.sin(turn)
            points[0][:] = x[:, None] + along * points[2]
            points[1][:] = y[:, None] + along * points[3]
            return points[0], points[1], points[2], points[3]
        for direction in (-1, 1):
            px, py = x.copy(), y.copy()
            indices = range(steps // 2, steps) if direction > 0 else range(steps // 2 - 1, -1, -1)
            for index in indices:
                vx, vy = sample(flow[0], px, py), sample(flow[1], px, py)
                points[0][:, index], points[1][:, index] = px, py
                points[2][:, index], points[3][:, index] = vx, vy
                px, py = px + direction * pace * vx, py + direction * pace * vy
        return points[0], points[1], points[2], points[3]

    @staticmethod
    def _lookup(kinds: Array, steps: int, tracks: int) -> Tuple[Array, Array, Array]:
        """Indices into the stroke textures for a batch of strokes."""
        u = (np.arange(steps) + 0.5) / steps * _TEXTURE_LENGTH
        v = (np.arange(tracks) + 0.5) / tracks * _TEXTURE_WIDTH
        return kinds[:, None, None], u.astype(int)[None, :, None], v.astype(int)[None, None, :]

    def _places(self, x: Array, y: Array, covered: Array) -> Tuple[Array, Array]:
        """The pixel of each sample, and whether it is painted at all."""
        columns = np.floor(x * self.unit).astype(np.int32)
        rows = np.floor(y * self.unit).astype(np.int32)
        inside = (columns >= 0) & (columns < self.shape[1]) & (rows >= 0) & (rows < self.shape[0])
        return np.where(inside, rows * self.shape[1] + columns, 0), covered & inside

    def _deposit(
        self, place: Array, keep: Array, ridge: Array, marks: Marks, part: slice, brush: Brush
    ) -> None:
        """Write the samples of a batch of strokes; later strokes lie on top."""
        owner = np.broadcast_to(np.arange(len(place))[:, None, None], place.shape)[keep]
        place = place[keep]
        level = ridge[keep]
        load = np.clip((level - 0.45) * 2.5 * brush.streak + 0.5 * brush.streak, 0, 1)[:, None]
        paint = marks.first[part][owner] * (1 - load) + marks.second[part][owner] * load
        paint = paint * (1 + brush.contrast * 2 * (level[:, None] - 0.5))
        self.colour.reshape(-1, 3)[place] = paint
        self.height.reshape(-1)[place] = level

    def relief(self, strength: float, gloss: float = 0.0) -> None:
        """Light the paint from the upper left by its height; `gloss` adds shine."""
        smooth = ndimage.gaussian_filter(self.height, max(0.0006 * self.unit, 0.6))
        # Per picture unit, so that a small repaint is lit as strongly as a large one.
        slope = np.gradient(smooth)
        slant = (slope[1] + slope[0]) * (self.unit / 2048)
        light = np.clip(slant * strength, -0.35, 0.35)[..., None]
        self.colour = self.colour * (1 + light) + np.clip(light - 0.1, 0, 1) * gloss

    def weave(self, strength: float) -> None:
        """Let the threads of the canvas show through."""
        x, y = self.plane()
        wobble = self.noise(901, 0.05, 2) * 0.6
        cloth = np.sin(x * _THREADS * np.pi + wobble) * np.sin(y * _THREADS * np.pi - wobble)
        patchy = 0.7 + 0.3 * self.noise(902, 0.2, 2)
        self.colour = self.colour * (1 + strength * cloth * patchy)[..., None]

    def grain(self, strength: float, cell: float) -> None:
        """Mottle the surface like paper, with specks of the size `cell`."""
        mottle = self.noise(903, cell, 2)
        self.colour = self.colour * (1 + strength * mottle)[..., None]

    def picture(self) -> Image.Image:
        """Return the finished picture, RGB, at the size that was asked for."""
        pixels = (np.clip(self.colour, 0, 1) * 255 + 0.5).astype(np.uint8)
        return Image.fromarray(pixels).resize(self.target, Image.Resampling.BOX)
