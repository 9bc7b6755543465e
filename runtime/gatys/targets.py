"""What a painting is measured against: the style's Gram matrices and the weights of the terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Optional, Sequence

import numpy as np
from PIL import Image, ImageOps

from runtime.gatys.graphs import StageGraphs
from runtime.imaging.reading import to_array
from runtime.progress import Event, check_cancel
from runtime.spec.engines import best_shape
from runtime.spec.graphs import gram_name

Arrays = Dict[str, np.ndarray]


@dataclass(frozen=True)
class WeightedStyle:
    """A picture whose style is wanted, RGB of any size, and its share beside other styles.

    Only the ratio of the weights matters; each is positive.
    """

    picture: Image.Image
    weight: float = 1.0


def style_grams(
    stage: StageGraphs,
    styles: Sequence[WeightedStyle],
    longest: float,
    most_pixels: int,
    cancel: Optional[Event] = None,
) -> Arrays:
    """The weighted mean of the styles' Gram matrices, by their names among the graph's inputs.

    longest: the longer side in pixels at which the styles are looked at; a style is not enlarged
        beyond twice its own size, as its strokes would have no edges.
    """
    whole = sum(style.weight for style in styles)
    total: Arrays = {}
    for style in styles:
        side = min(longest, 2 * max(style.picture.size))
        picture = _scaled(stage, style.picture, side)
        for name, gram in mean_grams(stage, picture, most_pixels, cancel).items():
            total[name] = total.get(name, np.float32(0)) + gram * np.float32(style.weight / whole)
    return total


def mean_grams(
    stage: StageGraphs, picture: np.ndarray, most_pixels: int, cancel: Optional[Event] = None
) -> Arrays:
    """The Gram matrices of a picture [1, 3, H, W], computed tile by tile if it is large."""
    tiles = stage.tiles(stage.features, picture, most_pixels)
    names = [gram_name(layer) for layer in stage.objective.style_layers]
    total: Arrays = {}
    with stage.open(stage.features, tiles[0].cut(picture)) as backend:
        for tile in tiles:
            check_cancel(cancel)
            found = backend.run({"image": np.ascontiguousarray(tile.cut(picture))})
            for name in names:
                share = found[name] / np.float32(len(tiles))
                total[name] = total.get(name, np.float32(0)) + share
    return total


def weights_of(stage: StageGraphs, grams: Mapping[str, np.ndarray], strength: float) -> np.ndarray:
    """The weight of each style term for a strength from 0 to 1, float32 [layers].

    Each term is divided by the mean square of its target, so that all layers have the same weight
    and a strength has the same effect for every style.
    """
    low, high = stage.objective.style_gentle, stage.objective.style_strong
    names = [gram_name(layer) for layer in stage.objective.style_layers]
    weight = low * (high / low) ** strength / len(names)
    return np.array([weight / mean_square(grams[name]) for name in names], np.float32)


def mean_square(values: np.ndarray) -> float:
    """The mean of the squares, at least 1e-12, so that one can divide by it."""
    return max(float(np.mean(np.square(values, dtype=np.float64))), 1e-12)


def _scaled(stage: StageGraphs, picture: Image.Image, longest: float) -> np.ndarray:
    """The style [1, 3, H, W], its longer side about `longest`, and no smaller than an engine."""
    scale = longest / max(picture.size)
    multiple = stage.objective.stride
    size = [max(multiple, round(side * scale / multiple) * multiple) for side in picture.size]
    scaled = to_array(ImageOps.fit(picture, (size[0], size[1]), Image.Resampling.LANCZOS))
    sizes = stage.sizes(stage.features)
    if not sizes:
        return scaled
    width, height = best_shape(*picture.size, sizes)
    missing = [max(0, want - have) for want, have in zip((height, width), scaled.shape[2:])]
    return np.pad(scaled, ((0, 0), (0, 0), *((0, each) for each in missing)), mode="reflect")
