"""The graphs of a stage, opened for the pictures that it paints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Tuple, Type

import numpy as np

from runtime.backends import AUTO
from runtime.backends.base import Backend
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
    """The graphs of one objective on one backend, and the folder that holds them."""

    objective: Objective
    features: GraphSpec
    gatys: GraphSpec
    backend: Type[Backend]
    folder: Path

    def sizes(self, graph: GraphSpec) -> Tuple[Size, ...]:
        """The only sizes that `graph` can run at; empty if it runs at any."""
        return self.backend.shapes(graph, self.folder)

    def tiles(self, graph: GraphSpec, picture: Size) -> Tuple[Tile, ...]:
        """Tiles for `graph` over a picture of this (width, height); one tile where it is small.

        Engines' tiles have an engine's size, the largest that `picture` holds.
        """
        sizes = [each for each in self.sizes(graph) if fits(each, picture)]
        if sizes:
            return tiles_over(picture, max(sizes, key=area))
        return tiles_over(picture, tile_size(picture, TILE_PIXELS, self.objective.stride))

    def open(self, graph: GraphSpec, picture: np.ndarray) -> Backend:
        """`graph` for pictures of the size of `picture` [1, 3, H, W], as a context manager."""
        height, width = picture.shape[2:]
        return self.open_at(graph, (width, height))

    def open_at(self, graph: GraphSpec, size: Size) -> Backend:
        """`graph` for pictures of this (width, height), as a context manager."""
        width, height = size
        return self.backend(graph, height=height, width=width, folder=self.folder)


def coarse_graphs(options: StylizeOptions, backend: Type[Backend], engines: Path) -> StageGraphs:
    """The graphs that `options` choose; raises `GraphMismatch` if `engines` is damaged."""
    weights = _weights(options, engines)
    auto = options.objective == AUTO
    objective = best_objective(engines, weights) if auto else OBJECTIVES[options.objective]
    return _graphs(objective, options, weights, backend, engines)


def fine_graphs(options: StylizeOptions, backend: Type[Backend], engines: Path) -> StageGraphs:
    """The graphs of the strokes: always the shallow objective's."""
    return _graphs(CLASSIC, options, _weights(options, engines), backend, engines)


def _graphs(
    objective: Objective,
    options: StylizeOptions,
    weights: str,
    backend: Type[Backend],
    engines: Path,
) -> StageGraphs:
    return StageGraphs(
        objective,
        features_graph(objective, options.pooling, weights),
        gatys_graph(objective, options.pooling, weights),
        backend,
        engines,
    )


def _weights(options: StylizeOptions, engines: Path) -> str:
    return recorded_weights(engines) if options.weights == AUTO else options.weights
