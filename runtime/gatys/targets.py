"""What a painting is measured against: the style's Gram matrices and the weights of the terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Union

import numpy as np
from PIL import Image, ImageOps

from runtime.errors import OptionError
from runtime.gatys.graphs import StageGraphs
from runtime.imaging.frame import frame_for
from runtime.imaging.reading import to_array
from runtime.progress import Event, check_cancel
from runtime.spec.graphs import gram_name

#: The largest longer side of a style; what its Gram matrices gain beyond is not worth the time.
MOST_SIDE = 2048

Arrays = Dict[str, np.ndarray]


@dataclass(frozen=True)
class WeightedStyle:
    """A picture whose style is wanted, RGB of any size, and its share beside other styles.

    Only the ratio of the weights matters. Raises `OptionError` for one that is not positive.
    """

    picture: Image.Image
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Check the weight."""
        if not 0 < self.weight < float("inf"):
            raise OptionError(f"A style's weight is {self.weight}; expected a positive number.")


def weighted_styles(style: Union[Image.Image, Sequence[WeightedStyle]]) -> List[WeightedStyle]:
    """`style`, one picture or several, as a list; raises `OptionError` if there is none."""
    styles = [WeightedStyle(style)] if isinstance(style, Image.Image) else list(style)
    if not styles:
        raise OptionError("There is no style; give at least one picture.")
    return styles


def style_grams(
    stage: StageGraphs,
    styles: Sequence[WeightedStyle],
    longest: float,
    cancel: Optional[Event] = None,
) -> Arrays:
    """The weighted mean of the styles' Gram matrices, by their names among the graph's inputs.

    longest: the longer side in pixels at which the styles are seen, at most `MOST_SIDE`. A style
        is not enlarged beyond twice its own size, as its strokes would have no edges.
    """
    whole = sum(style.weight for style in styles)
    total: Arrays = {}
    for style in styles:
        side = min(longest, 2 * max(style.picture.size), MOST_SIDE)
        picture = _scaled(stage, style.picture, side)
        for name, gram in _mean_grams(stage, picture, cancel).items():
            total[name] = total.get(name, np.float32(0)) + gram * np.float32(style.weight / whole)
    return total


def _mean_grams(stage: StageGraphs, picture: np.ndarray, cancel: Optional[Event]) -> Arrays:
    """The Gram matrices of a picture [1, 3, H, W], computed tile by tile if it is large."""
    height, width = picture.shape[2:]
    tiles = stage.tiles(stage.features, (width, height))
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
    weights = [inverse_mean_square(grams[name]) * np.float32(weight) for name in names]
    return np.concatenate(weights)


def inverse_mean_square(values: np.ndarray) -> np.ndarray:
    """One over the mean of the squares, float32 [1]: it gives every target the same weight."""
    mean = float(np.mean(np.square(values, dtype=np.float64)))
    return np.array([1 / max(mean, 1e-12)], np.float32)


def _scaled(stage: StageGraphs, picture: Image.Image, longest: float) -> np.ndarray:
    """The style [1, 3, H, W], its longer side about `longest`, and no smaller than an engine."""
    scale = longest / max(picture.size)
    multiple = stage.objective.stride
    size = [max(multiple, round(side * scale / multiple) * multiple) for side in picture.size]
    scaled = to_array(ImageOps.fit(picture, (size[0], size[1]), Image.Resampling.LANCZOS))
    sizes = stage.graphs.sizes(stage.features)
    if not sizes:
        return scaled
    width, height = frame_for(picture.size, longest=max(size), multiple=multiple, sizes=sizes).size
    missing = [max(0, want - have) for want, have in zip((height, width), scaled.shape[2:])]
    return np.pad(scaled, ((0, 0), (0, 0), *((0, each) for each in missing)), mode="reflect")
