"""The coarse stage: the style's motifs, painted small."""

from __future__ import annotations

from typing import Callable, Optional, Sequence

import numpy as np
from PIL import Image

from runtime.gatys.descent import Descent, descend
from runtime.gatys.graphs import StageGraphs
from runtime.gatys.report import Report
from runtime.gatys.targets import WeightedStyle, mean_square, style_grams, weights_of
from runtime.imaging.colour import match_colours
from runtime.imaging.finish import denoise_chroma
from runtime.imaging.frame import frame_for
from runtime.imaging.reading import to_array, to_image
from runtime.options import BRUSHES, StylizeOptions
from runtime.progress import Event, check_cancel

#: Pixels of reflection around the photo while it is painted. The network's zero padding gives the
#: outermost pixels a colour cast; they are cut off afterwards.
MARGIN = 8

#: Standard deviation of the noise on the picture that the painting starts from.
NOISE = 0.02

#: The weight of the content inside kept faces; elsewhere it is 1.
KEEP_WEIGHT = 3.0

#: The whole picture is always painted at once.
_NO_TILES = 2**62


def paint_coarse(
    stage: StageGraphs,
    photo: Image.Image,
    styles: Sequence[WeightedStyle],
    keep: Image.Image,
    options: StylizeOptions,
    report: Report,
    cancel: Optional[Event],
) -> Image.Image:
    """`photo` with the motifs of `styles`, RGB, `options.size` pixels on its longer side.

    `keep` is a greyscale map of the photo's size: white where it must stay recognisable.
    """
    frame = frame_for(
        photo.size,
        longest=options.size,
        multiple=stage.objective.stride,
        margin=MARGIN,
        sizes=stage.sizes(stage.gatys),
    )
    content = frame.put(photo)
    longest = max(frame.size) * BRUSHES[options.brush]
    feeds = style_grams(stage, styles, longest, _NO_TILES, cancel)
    feeds["style_weights"] = weights_of(stage, feeds, options.strength)
    check_cancel(cancel)
    with stage.open(stage.features, content) as backend:
        feeds["content"] = backend.run({"image": content})["content"]
    feeds["content_weight"] = np.array([1 / mean_square(feeds["content"])], np.float32)
    feeds["content_map"] = content_map(feeds["content"], frame.put(keep.convert("RGB")), KEEP_WEIGHT)
    start = _start(content, styles, options.seed)
    with stage.open(stage.gatys, content) as backend:
        best = descend(
            backend,
            feeds,
            start,
            Descent(options.steps),
            lambda state: report(state, lambda: to_image(frame.cut(state.best))),
            cancel=cancel,
        )
    return denoise_chroma(to_image(frame.cut(best)))


def content_map(content: np.ndarray, keep: np.ndarray, weight: float) -> np.ndarray:
    """The map for the content features: 1, and `weight` where `keep` [1, 3, H, W] is 1."""
    height, width = content.shape[2:]
    small = to_image(keep).convert("L").resize((width, height), Image.Resampling.BOX)
    values = np.asarray(small, np.float32) / np.float32(255)
    return (1 + np.float32(weight - 1) * values)[None, None]


def _start(photo: np.ndarray, styles: Sequence[WeightedStyle], seed: int) -> np.ndarray:
    """The photo in the styles' colours, with noise so that a flat sky has a gradient too."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(photo.shape, np.float32) * np.float32(NOISE)
    whole = sum(style.weight for style in styles)
    coloured = sum(
        np.float32(style.weight / whole) * match_colours(photo, _palette(style.picture))
        for style in styles
    )
    return np.clip(coloured + noise, 0, 1)


def _palette(style: Image.Image) -> np.ndarray:
    """The style small enough to be read fast; its colours hardly change."""
    small = style.copy()
    small.thumbnail((256, 256), Image.Resampling.BOX)
    return to_array(small)
