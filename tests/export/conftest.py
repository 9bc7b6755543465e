"""The graphs of VGG-19 that the tests of this folder share: the deep ones take seconds to write."""

from __future__ import annotations

import functools

import onnx
import pytest

from export.graphs.gatys import write_graphs
from export.graphs.specialise import fixed
from export.sources.catalogue import WEIGHTS
from export.sources.vgg import load_vgg19
from export.sources.vgg_slice import slice_path
from tests.support.networks import random_vgg19


class VggGraphs:
    """Graphs written on demand and once, into one folder; what it gives is not to be changed."""

    def __init__(self, folder):
        self.folder = folder
        self.network = functools.lru_cache(maxsize=None)(_network)
        self.fixed = functools.lru_cache(maxsize=None)(self._fixed)

    def path(self, graph):
        """The ONNX file of `graph`."""
        path = self.folder / graph.onnx_file
        if not path.exists():
            convolutions = self.network(graph.objective)
            write_graphs(graph.objective, graph.pooling, convolutions, self.folder)
        return path

    def _fixed(self, graph, size):
        """Its model for pictures of `size` only."""
        return fixed(onnx.load(str(self.path(graph))), graph, size)


def _network(objective):
    """The trained convolutions, or random ones until they are fetched."""
    trained = slice_path(WEIGHTS, objective).exists()
    return load_vgg19(objective) if trained else random_vgg19(objective)


@pytest.fixture(scope="session")
def vgg_graphs(tmp_path_factory):
    return VggGraphs(tmp_path_factory.mktemp("vgg"))
