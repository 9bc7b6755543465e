"""The graphs of VGG-19 that the tests of this folder share: the deep ones take seconds to write."""

from __future__ import annotations

import functools

import onnx
import pytest

from export.graphs.gatys import write_graphs
from export.graphs.specialise import fixed
from export.sources.catalogue import WEIGHTS
from export.sources.vgg import load_vgg19
from runtime.spec.vgg import DEEP
from tests.support.export.fetched_weights import find_weights, scratch_of_run
from tests.support.networks import random_vgg19


class VggGraphs:
    """Graphs written on demand and once, into one folder; what it gives is not to be changed."""

    def __init__(self, folder, deep_weights):
        self.folder = folder
        self._deep_folder, self._problem = deep_weights
        self.network = functools.lru_cache(maxsize=None)(self._network)
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

    def why_not_trained(self, objective):
        """Why the network of `objective` is a random one; None if it is the trained one."""
        return self._problem if objective is DEEP else None

    def _network(self, objective):
        if self.why_not_trained(objective):
            return random_vgg19(objective)
        return load_vgg19(objective, self._deep_folder if objective is DEEP else WEIGHTS)


@pytest.fixture(scope="session")
def deep_weights(tmp_path_factory):
    """Their folder, and None; or None, and why they cannot be fetched."""
    return find_weights("vgg19-deep", scratch_of_run(tmp_path_factory))


@pytest.fixture(scope="session")
def vgg_graphs(tmp_path_factory, deep_weights):
    return VggGraphs(tmp_path_factory.mktemp("vgg"), deep_weights)
