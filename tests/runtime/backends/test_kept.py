"""Loaded graphs are kept within the budget, and never when they are outdated or have failed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar, List

import numpy as np
import pytest

import runtime
from export.graphs.gatys import write_graphs
from runtime import StylizeOptions
from runtime.backends import backend_class
from runtime.backends.base import Footprint
from runtime.backends.fake import FakeBackend
from runtime.backends.kept import KeptGraphs
from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.errors import (
    BackendError,
    BackendUnavailable,
    Cancelled,
    DeviceMemoryError,
    GraphMissing,
)
from runtime.spec.graphs import features_graph
from runtime.spec.vgg import CLASSIC
from tests.support.networks import random_vgg19
from tests.support.pictures import array, photo

GRAPH = features_graph(CLASSIC, "average")


class Sized(FakeBackend):
    """Holds its width in bytes, and ten more during a run; says what is loaded and closed."""

    name = "sized"
    said: ClassVar[List[str]] = []
    #: Raised by the next load.
    failure: ClassVar[List[Exception]] = []

    def footprint(self):
        return Footprint(idle=self.width, run=10)

    def _load(self):
        if self.failure:
            raise self.failure.pop()
        self.said.append(f"load {self.width}")

    def _close(self):
        self.said.append(f"close {self.width}")


class Other(Sized):
    name = "other"


@pytest.fixture(autouse=True)
def said():
    Sized.said.clear()
    Sized.failure.clear()
    return Sized.said


def use(graphs, *widths, backend=Sized, folder=Path()):
    for width in widths:
        with graphs.open(backend, GRAPH, (width, 8), folder) as loaded:
            assert loaded.width == width and loaded.height == 8


def test_a_graph_is_loaded_once_for_each_size_backend_and_folder(said, tmp_path):
    graphs = KeptGraphs(1000)
    use(graphs, 30, 40, 30)
    use(graphs, 30, backend=Other)
    use(graphs, 30, folder=tmp_path)
    use(graphs, 30, 40)
    assert said == ["load 30", "load 40", "load 30", "load 30"]


def test_those_used_least_recently_are_closed_before_the_next_is_loaded(said):
    graphs = KeptGraphs(100)
    use(graphs, 30, 40, 30)
    # 30 + 40 + 20, and 10 for the run: the budget.
    use(graphs, 20)
    use(graphs, 25)
    assert said == ["load 30", "load 40", "load 20", "close 40", "load 25"]


def test_memory_for_a_run_is_made_for_a_kept_graph_too(said):
    graphs = KeptGraphs(100)
    with graphs.open(Sized, GRAPH, (40, 8), Path()):
        use(graphs, 35)
    assert said == ["load 40", "load 35"]
    use(graphs, 24, 40)
    assert said[2:] == ["close 40", "load 24", "close 35", "load 40"]


def test_a_graph_above_the_budget_runs_alone(said):
    graphs = KeptGraphs(100)
    use(graphs, 30, 200)
    use(graphs, 30)
    assert said == ["load 30", "close 30", "load 200", "close 200", "load 30"]


def test_graphs_in_use_stay_open_whatever_the_budget(said):
    graphs = KeptGraphs(50)
    with graphs.open(Sized, GRAPH, (40, 8), Path()) as first:
        use(graphs, 45)
        first.run({"image": array(8, 40, 0)})
    assert "close 40" not in said


def test_all_are_closed_at_the_end_even_if_one_cannot_be(said, monkeypatch):
    close = Sized._close

    def failing(self):
        close(self)
        if self.width == 40:
            raise BackendError("The device is gone.")

    monkeypatch.setattr(Sized, "_close", failing)
    with pytest.raises(BackendError, match="is gone"), KeptGraphs(1000) as graphs:
        use(graphs, 30, 40, 50)
    assert sorted(said[3:]) == ["close 30", "close 40", "close 50"]
    use(graphs, 40)
    assert said[-1] == "load 40"


def test_after_a_failed_run_no_graph_of_that_backend_is_kept(said):
    graphs = KeptGraphs(1000)
    use(graphs, 30)
    use(graphs, 30, backend=Other)
    with pytest.raises(BackendError), graphs.open(Sized, GRAPH, (40, 8), Path()):
        raise BackendError("an illegal memory access")
    assert sorted(said[-2:]) == ["close 30", "close 40"]
    use(graphs, 30, backend=Other)
    use(graphs, 30)
    assert said[-1] == "load 30" and len(said) == 6


def test_a_cancelled_job_leaves_its_graphs_loaded(said):
    graphs = KeptGraphs(1000)
    with pytest.raises(Cancelled), graphs.open(Sized, GRAPH, (40, 8), Path()):
        raise Cancelled("The job was cancelled.")
    use(graphs, 40)
    assert said == ["load 40"]


def test_a_graph_that_is_missing_closes_no_other(said):
    graphs = KeptGraphs(1000)
    use(graphs, 30)
    Sized.failure.append(GraphMissing("no engine"))
    with pytest.raises(GraphMissing):
        use(graphs, 40)
    use(graphs, 30, 40)
    assert said == ["load 30", "load 40"]


def test_kept_graphs_never_make_a_load_fail(said):
    """The estimates may be too low: where the memory is full, the graphs that are kept are closed."""
    graphs = KeptGraphs(1000)
    use(graphs, 30)
    Sized.failure.append(DeviceMemoryError("full"))
    use(graphs, 40)
    assert said == ["load 30", "close 30", "load 40"]
    Sized.failure[:] = [DeviceMemoryError("full"), DeviceMemoryError("full")]
    with pytest.raises(DeviceMemoryError):
        use(graphs, 50)
    use(graphs, 40)
    assert said[3:] == ["close 40", "load 40"]


def test_a_graph_that_was_written_again_is_loaded_again(tmp_path):
    image = {"image": array(48, 64, 1)}

    def content(graphs):
        with graphs.open(OnnxRuntimeBackend, GRAPH, (64, 48), tmp_path) as backend:
            return backend.run(image)["content"]

    convolutions = random_vgg19(CLASSIC)
    write_graphs(CLASSIC, "average", convolutions, tmp_path)
    with KeptGraphs() as graphs:
        first = content(graphs)
        assert np.array_equal(content(graphs), first)
        doubled = [dataclasses.replace(each, weight=2 * each.weight) for each in convolutions]
        write_graphs(CLASSIC, "average", doubled, tmp_path)
        assert not np.allclose(content(graphs), first)
        (tmp_path / GRAPH.onnx_file).unlink()
        with pytest.raises(GraphMissing):
            content(graphs)


@pytest.mark.parametrize("name", ["openvino", "onnxrt", "pyt"])
def test_the_second_painting_loads_nothing_and_is_the_same(engines, name, monkeypatch):
    backend = backend_class(name)
    try:
        backend.check(engines)
    except BackendUnavailable as error:
        pytest.skip(str(error))
    loads = []
    load = backend._load
    monkeypatch.setattr(backend, "_load", lambda self: [loads.append(self.graph.name), load(self)])
    options = StylizeOptions(backend=name, size=64, fine=96, steps=3, objective="classic")

    def painted(**handed):
        loads.clear()
        picture = runtime.stylize(photo(96, 72), photo(80, 80), options, engines=engines, **handed)
        return np.asarray(picture)

    with KeptGraphs(1 << 30) as graphs:
        first = painted(graphs=graphs)
        assert sorted(set(loads)) == [
            "features-classic-average-vgg19",
            "gatys-classic-average-vgg19",
        ]
        second = painted(graphs=graphs)
        assert not loads
    apart = painted()
    assert np.array_equal(first, second) and np.array_equal(first, apart)


@pytest.mark.parametrize("name", ["openvino", "onnxrt", "pyt"])
def test_the_estimate_covers_what_a_run_takes_and_grows_with_the_picture(engines, name):
    small, large = (
        backend_class(name)(GRAPH, height=side, width=side, folder=engines).footprint()
        for side in (256, 512)
    )
    # The first layer alone has 64 channels of 4 bytes, before and after its rectifier.
    assert small.most > 2 * 64 * 4 * 256**2
    assert large.most > 2 * small.most
    assert small.idle >= (engines / GRAPH.onnx_file).stat().st_size
