"""Fixtures for more than one folder of tests."""

from __future__ import annotations

import pytest

from export.graphs.gatys import write_graphs
from export.sources.vgg import load_vgg19
from runtime.spec.vgg import CLASSIC, POOLINGS


@pytest.fixture(scope="session")
def engines(tmp_path_factory):
    """A folder with the classic graphs, from the weights that the repository ships."""
    folder = tmp_path_factory.mktemp("engines")
    convolutions = load_vgg19(CLASSIC)
    for pooling in POOLINGS:
        write_graphs(CLASSIC, pooling, convolutions, folder)
    return folder
