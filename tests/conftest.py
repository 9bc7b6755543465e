"""Fixtures for more than one folder of tests."""

from __future__ import annotations

import signal

import pytest

from export.graphs.gatys import write_graphs
from export.sources.vgg import load_vgg19
from runtime.spec.vgg import CLASSIC, POOLINGS
from tests.support.export.fetched_weights import find_weights, path_in, scratch_of_run


def pytest_configure(config):
    """Let programs that tests start hear Ctrl-C, which a shell's background jobs ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def engines(tmp_path_factory):
    """A folder with the classic graphs, from the weights that the repository ships."""
    folder = tmp_path_factory.mktemp("engines")
    convolutions = load_vgg19(CLASSIC)
    for pooling in POOLINGS:
        write_graphs(CLASSIC, pooling, convolutions, folder)
    return folder


@pytest.fixture(scope="session")
def published_faces(tmp_path_factory):
    """The published file of the face detector."""
    folder, problem = find_weights("faces", scratch_of_run(tmp_path_factory))
    if problem:
        pytest.skip(f"no weights of the face detector: {problem}")
    return path_in(folder, "faces")
