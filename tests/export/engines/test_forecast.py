"""What is built in which order, how much it is said to need, and which workspaces are tried."""

from __future__ import annotations

import pytest

from export.engines.driver import workspaces_mib
from export.engines.forecast import BUILD_RUNS, Forecast, announcement
from export.engines.job import FLOAT32, PINNED, TYPED, Job
from export.engines.order import before_first_photo, in_order
from export.engines.work import Work, work_of
from runtime.spec.engine_progress import in_minutes
from runtime.spec.engine_sizes import Device, DeviceClass
from runtime.spec.graphs import GraphKind, faces_graph, features_graph, gatys_graph, generator_graph
from runtime.spec.vgg import CLASSIC, DEEP

NANO = Device(DeviceClass.NANO, 3956)
DESKTOP = Device(DeviceClass.DESKTOP, 8100)
GATYS = gatys_graph(CLASSIC, "average")
FEATURES = features_graph(CLASSIC, "average")
GRAPHS = (
    faces_graph(),
    generator_graph("vintage"),
    gatys_graph(DEEP, "average"),
    features_graph(DEEP, "average"),
    GATYS,
    FEATURES,
)


def test_first_come_the_descents_of_both_stages_and_then_the_rest_of_each_aspect():
    engines = in_order(GRAPHS, DEEP, NANO)
    assert [(graph.objective, graph.kind, size) for graph, size in engines[:4]] == [
        (DEEP, GraphKind.GATYS, (240, 176)),
        (CLASSIC, GraphKind.GATYS, (768, 576)),
        (DEEP, GraphKind.FEATURES, (240, 176)),
        (CLASSIC, GraphKind.FEATURES, (768, 576)),
    ]
    assert before_first_photo(graph for graph, _ in engines) == 2
    assert engines[4] == (faces_graph(), (640, 640))
    assert {size for _, size in engines[5:9]} == {(176, 240), (576, 768)}
    assert {size for _, size in engines[9:13]} == {(208, 208), (672, 672)}
    assert [size for _, size in engines[13:16]] == [(512, 384), (384, 512), (448, 448)]
    assert len(engines) == len(set(engines)) == 24 + 1 + 5


def test_smaller_sides_come_after_all_aspects_of_the_preferred_one():
    sizes = [size for _, size in in_order(GRAPHS[-2:], DEEP, DESKTOP)]
    squares = {(1104, 1104): 1280, (880, 880): 1024, (672, 672): 768}
    sides = [squares.get(size, max(size)) for size in sizes]
    assert sides == [1280] * 14 + [1024] * 14 + [768] * 14


def test_classic_graphs_paint_both_stages_without_the_deep_ones():
    engines = in_order(GRAPHS[-2:], CLASSIC, NANO)
    assert [size for _, size in engines[:4]] == [(240, 176), (768, 576), (240, 176), (768, 576)]
    assert len(engines) == 24


@pytest.fixture
def job(tmp_path):
    return Job(GATYS, (500, 200), str(tmp_path), "", PINNED, 0)


def forecast():
    return Forecast({GATYS.name: Work(363 / 100_000, 10_000_000)}, DeviceClass.NANO)


def test_forecast_first_assumes_and_then_goes_by_what_was_built(job):
    """One run takes a second by the assumed pace of a Nano."""
    found = forecast()
    first = found.of([job, job])
    assert first.seconds == pytest.approx(2 * (60 + BUILD_RUNS))
    assert first.plan_bytes == pytest.approx(2 * 15_000_000)
    assert "assuming" in found.grounds
    job.plan.write_bytes(bytes(30_000_000))
    found.learn(job, seconds=(60 + BUILD_RUNS) / 2)
    then = found.of([job, job])
    assert then.seconds == pytest.approx(first.seconds / 2)
    assert then.plan_bytes == pytest.approx(first.plan_bytes * 2)
    assert "by what the 1 built here took" in found.grounds


def test_announcement_says_disk_and_time_and_warns_of_a_full_disk(job):
    (said,) = announcement([job], forecast(), 2 * 10**9)
    assert "15 MB" in said and "2.0 GB free" in said and "13 min" in said
    assert "too small" in list(announcement([job], forecast(), 1000))[1]
    assert tuple(map(in_minutes, (10, 3000, 12600))) == ("1 min", "50 min", "3.5 h")


def test_work_is_counted_from_the_files_in_a_process(vgg_graphs):
    folder = vgg_graphs.path(GATYS).parent
    vgg_graphs.path(FEATURES)
    found = work_of([GATYS, FEATURES], folder)
    gatys, features = found[GATYS.name], found[FEATURES.name]
    assert gatys.gflop_per_pixel == pytest.approx(2 * features.gflop_per_pixel)
    assert 2e6 < gatys.weights < 3e6


def test_graph_that_cannot_be_read_is_forecast_as_nothing(tmp_path, job):
    (tmp_path / GATYS.onnx_file).write_bytes(b"cut off")
    assert work_of([GATYS], tmp_path) == {}
    assert Forecast({}, DeviceClass.NANO).of([job]).seconds == 60


def test_typed_builds_begin_with_a_workspace_that_holds_the_activations():
    assert workspaces_mib(TYPED, 10)[:3] == [256, 512, 1024]
    assert workspaces_mib(TYPED, 846)[:4] == [2048, 4096, 8192, 1024]
    assert workspaces_mib(FLOAT32, 846)[0] == 2048


def test_pinned_builds_begin_small_and_reach_as_far():
    tried = workspaces_mib(PINNED, 846)
    assert tried[:3] == [256, 512, 1024] and max(tried) == 8192 and tried[-2:] == [128, 64]
    assert len(tried) == len(set(tried))
