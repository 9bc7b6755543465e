"""The fine stage: the strokes, painted at the size of the result, tile by tile if it is large."""

from __future__ import annotations

from typing import Dict, Optional, Sequence, Tuple

import numpy as np
from PIL import Image

from runtime.backends.base import Backend
from runtime.gatys.coarse import MARGIN, content_map
from runtime.gatys.descent import Descent, descend
from runtime.gatys.graphs import StageGraphs
from runtime.gatys.report import Reports
from runtime.gatys.targets import WeightedStyle, mean_square, style_grams, weights_of
from runtime.imaging.finish import denoise_chroma, enlarge
from runtime.imaging.frame import Frame, frame_for
from runtime.imaging.reading import to_array, to_image
from runtime.imaging.tiles import Tile
from runtime.options import BRUSHES, StylizeOptions
from runtime.progress import Event, check_cancel
from runtime.spec.graphs import gram_name

#: Evaluations for each tile, and the root mean square of the first step.
STEPS, FIRST_STEP, SCALE = 10, 0.03, 2.0

#: How much of the photo's fine luminance the painting keeps, and how much in kept faces.
DETAIL, KEEP_DETAIL = 0.3, 0.6

#: The weight of the content inside kept faces; elsewhere it is 1.
KEEP_WEIGHT = 1.5

#: Larger pictures are painted in tiles of at most so many pixels: the graph's features need 2 kB
#: of memory for each pixel.
TILE_PIXELS = 360_000
NOISE = 0.03

Grams = Dict[str, np.ndarray]


class FineStage:
    """One painting's fine stage: how many tiles it needs is known before it paints."""

    def __init__(self, stage: StageGraphs, photo: Image.Image, options: StylizeOptions) -> None:
        self._stage = stage
        self._photo = photo
        self._options = options
        self._frame = frame_for(
            photo.size,
            longest=max(photo.size) + 2 * MARGIN,
            multiple=stage.objective.stride,
            margin=MARGIN,
            sizes=stage.sizes(stage.gatys),
        )
        width, height = self._frame.size
        self._tiles = stage.tiles(
            stage.gatys, np.broadcast_to(np.float32(0), (1, 3, height, width)), TILE_PIXELS
        )

    @property
    def tiles(self) -> Tuple[Tile, ...]:
        return self._tiles

    def paint(
        self,
        painted: Image.Image,
        styles: Sequence[WeightedStyle],
        keep: Image.Image,
        reports: Reports,
        cancel: Optional[Event],
    ) -> Image.Image:
        stage, options = self._stage, self._options
        ground = enlarge(painted, self._photo, DETAIL, KEEP_DETAIL, keep)
        canvas = _framed(self._frame, ground)
        keep_framed = _framed(self._frame, keep)
        longest = max(self._frame.size) * BRUSHES[options.brush]
        targets = style_grams(stage, styles, longest, TILE_PIXELS, cancel)
        style_weights = weights_of(stage, targets, options.strength)
        parts = [canvas.crop(tile.box) for tile in self._tiles]
        mean = self._mean(parts, cancel)
        rng = np.random.default_rng(options.seed)
        with stage.open(stage.features, to_array(parts[0])) as features:
            with stage.open(stage.gatys, to_array(parts[0])) as gatys:
                for number, tile in enumerate(self._tiles):
                    check_cancel(cancel)
                    of_tile = features.run({"image": to_array(parts[number])})
                    content = of_tile.pop("content")
                    feeds = {
                        name: targets[name] + (gram - mean[name]) for name, gram in of_tile.items()
                    }
                    feeds["content"] = content
                    feeds["style_weights"] = style_weights
                    feeds["content_weight"] = mean["content_weight"]
                    kept = to_array(keep_framed.crop(tile.box).convert("RGB"))
                    feeds["content_map"] = content_map(content, kept, KEEP_WEIGHT)
                    start = to_array(canvas.crop(tile.box))
                    grain = rng.standard_normal((1, 1) + start.shape[2:], np.float32)
                    start = np.clip(start + tile.movable() * grain * np.float32(NOISE), 0, 1)
                    report = reports.of(1 + number)
                    best = descend(
                        gatys,
                        feeds,
                        start,
                        Descent(min(STEPS, options.steps), FIRST_STEP, SCALE),
                        lambda state: report(state, lambda: canvas),
                        movable=tile.movable(),
                        cancel=cancel,
                    )
                    fade = tile.fade()
                    canvas.paste(to_image(best * fade + start * (1 - fade)), tile.box)
        left, top = self._frame.start
        width, height = self._frame.inner
        return canvas.crop((left, top, left + width, top + height))

    def _mean(self, parts, cancel):
        with self._stage.open(self._stage.features, to_array(parts[0])) as features:
            total: Grams = {}
            square = 0.0
            for part in parts:
                check_cancel(cancel)
                found = features.run({"image": to_array(part)})
                square += mean_square(found.pop("content")) / len(parts)
                for name, gram in found.items():
                    total[name] = total.get(name, np.float32(0)) + gram / np.float32(len(parts))
        total["content_weight"] = np.array([1 / square], np.float32)
        return total


def _framed(frame: Frame, picture: Image.Image) -> Image.Image:
    return to_image(frame.put(picture.convert("RGB")))
