"""How many engines the first photo waits for, on a machine where each takes a minute."""

from __future__ import annotations

import shutil

import onnx
import pytest

from export.__main__ import main
from export.engines import builder
from export.engines import command as engines_command
from export.engines.driver import BuildHost
from export.engines.job import PINNED
from export.engines.staleness import record_of
from export.graphs.specialise import fixed
from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.backends.ov import OpenVinoBackend
from runtime.backends.trt import TrtBackend
from runtime.errors import BackendError
from runtime.options import StylizeOptions
from runtime.spec.engine_sizes import SIDES, Device, DeviceClass, Side, Stage
from runtime.spec.engines import EngineHost
from runtime.spec.graphs import GraphKind, features_graph, gatys_graph
from runtime.spec.vgg import CLASSIC, DEEP
from runtime.style_transfer import stylize
from tests.support.pictures import image
from tests.support.tensorrt.builder_double import Plan
from tests.support.tensorrt.installed import install_doubles

VERSION = "8.0.1.6"
HOST = EngineHost(VERSION, "8201", "5.3", "NVIDIA Tegra X1", "R32.6.1")
FEATURES = [features_graph(each, "average") for each in (CLASSIC, DEEP)]
GRAPHS = [*FEATURES, *(gatys_graph(each, "average") for each in (CLASSIC, DEEP))]
MINUTE = 60.0


class SlowNano:
    """Builds an engine in a minute of its own clock, and tries to paint a photo after each."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = 0.0
        self.painted_at = None

    def write_onnx(self, folder, vgg):
        pass

    def build(self, job, turn):
        model = fixed(onnx.load(str(self.folder / job.graph.onnx_file)), job.graph, job.size)
        plan = bytes(Plan(VERSION, False, [], model.SerializeToString()))
        builder.install(job, plan, record_of(job.at(workspace_mib=256), HOST, plan, MINUTE))
        self.clock += MINUTE
        if self.painted_at is None and self.paints():
            self.painted_at = self.clock
        return MINUTE

    def paints(self):
        """Whether a photo is painted on the engines that are there."""
        options = StylizeOptions(backend="trt", steps=1)
        try:
            painted = stylize(image(48, 64, 1), image(40, 40, 2), options, engines=self.folder)
        except BackendError:
            return False
        return painted.size == (64, 48)


@pytest.fixture
def nano(tmp_path, vgg_graphs, monkeypatch):
    nano = SlowNano(tmp_path)
    for graph in GRAPHS:
        shutil.copy(str(vgg_graphs.path(graph)), str(tmp_path))
    install_doubles(monkeypatch, VERSION)
    for name in ("write_onnx", "build"):
        monkeypatch.setattr(engines_command, name, getattr(nano, name))
    device = Device(DeviceClass.NANO, 3956)
    monkeypatch.setattr(engines_command, "probe_host", lambda: BuildHost(HOST, PINNED, device))
    for stage, side in ((Stage.COARSE, 64), (Stage.FINE, 96)):
        monkeypatch.setitem(SIDES, (DeviceClass.NANO, stage), (Side(side),))
    return nano


def test_first_photo_comes_after_at_most_three_engines(nano, monkeypatch):
    ran = []
    for backend in (TrtBackend, OnnxRuntimeBackend, OpenVinoBackend):
        monkeypatch.setattr(backend, "_load", noting(backend, ran))
    assert main(["engines", "--first", "-o", str(nano.folder)]) == 0
    # The installer starts the bot when this command ends.
    assert nano.painted_at == nano.clock <= 3 * MINUTE
    assert {kind for name, kind in ran if name == "trt"} == {GraphKind.GATYS}
    assert {kind for name, kind in ran if name != "trt"} == {GraphKind.FEATURES}

    for graph, size in zip(FEATURES, ("96x64", "64x48")):
        assert main(["engines", "-o", str(nano.folder), graph.name, "--size", size]) == 0
    ran.clear()
    assert nano.paints()
    assert {name for name, _ in ran} == {"trt"}


def noting(backend, ran):
    load = backend._load

    def noted(self):
        ran.append((self.name, self.graph.kind))
        load(self)

    return noted
