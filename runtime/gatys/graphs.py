"""The graphs of a stage, opened for the pictures that it paints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ContextManager, Tuple

import numpy as np

from runtime.backends import AUTO
from runtime.backends.base import Backend
from runtime.backends.kept import GraphsOf
from runtime.gatys.tiles import Tile, area, fits, tile_size, tiles_over
from runtime.options import StylizeOptions
from runtime.spec.engines import Size
from runtime.spec.folder import best_objective, recorded_weights
from runtime.spec.graphs import GraphSpec, features_graph, gatys_graph
from runtime.spec.vgg import CLASSIC, OBJECTIVES, Objective

#: Without engines, larger pictures are painted in tiles of at most so many pixels. The features of
#: a graph of the classic objective need about 2 kB of memory for each pixel.
TILE_PIXELS = 360_000


@dataclass(frozen=True)
class StageGraphs:
    """The two graphs of one objective, and what opens them."""

    objective: Objective
    features: GraphSpec
    gatys: GraphSpec
    graphs: GraphsOf

    def tiles(self, graph: GraphSpec, picture: Size) -> Tuple[Tile, ...]:
        """Tiles for `graph` over a picture of this (width, height); one tile where it is small.

        Engines' tiles have an engine's size, the largest that `picture` holds.
        """
        sizes = [each for each in self.graphs.sizes(graph) if fits(each, picture)]
        if sizes:
            return tiles_over(picture, max(sizes, key=area))
        return tiles_over(picture, tile_size(picture, TILE_PIXELS, self.objective.stride))

    def open(self, graph: GraphSpec, picture: np.ndarray) -> ContextManager[Backend]:
        """`graph` for pictures of the size of `picture` [1, 3, H, W]."""
        height, width = picture.shape[2:]
        return self.graphs.open(graph, (width, height))


def coarse_graphs(options: StylizeOptions, graphs: GraphsOf) -> StageGraphs:
    """The graphs that `options` choose; raises `GraphMismatch` if their folder is damaged."""
    weights = _weights(options, graphs.folder)
    auto = options.objective == AUTO
    objective = best_objective(graphs.folder, weights) if auto else OBJECTIVES[options.objective]
    return _stage(objective, options, weights, graphs)


def fine_graphs(options: StylizeOptions, graphs: GraphsOf) -> StageGraphs:
    """The graphs of the strokes: always the shallow objective's."""
    return _stage(CLASSIC, options, _weights(options, graphs.folder), graphs)


def _stage(
    objective: Objective, options: StylizeOptions, weights: str, graphs: GraphsOf
) -> StageGraphs:
    return StageGraphs(
        objective,
        features_graph(objective, options.pooling, weights),
        gatys_graph(objective, options.pooling, weights),
        graphs,
    )


def _weights(options: StylizeOptions, engines: Path) -> str:
    return recorded_weights(engines) if options.weights == AUTO else options.weights
