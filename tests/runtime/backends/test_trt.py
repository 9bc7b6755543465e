"""The TensorRT backend, on stand-ins for each generation of tensorrt, pycuda and cuda-python."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.graphs.gatys import write_graphs
from export.graphs.specialise import fixed
from export.sources.vgg import load_vgg19
from runtime.backends import trt_plan
from runtime.backends.kept import KeptGraphs
from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.backends.trt import TrtBackend
from runtime.backends.trt_device import import_vendors, open_device
from runtime.errors import (
    BackendError,
    BackendUnavailable,
    DeviceMemoryError,
    GraphMissing,
    StaleEngine,
)
from runtime.machine import probes
from runtime.options import StylizeOptions
from runtime.spec import engines as spec_engines
from runtime.spec.engines import EngineHost, EngineRecord
from runtime.spec.graphs import features_graph, gatys_graph
from runtime.spec.vgg import CLASSIC
from runtime.style_transfer import stylize
from tests.support.pictures import array, image
from tests.support.tensorrt.cuda_double import make_cuda
from tests.support.tensorrt.cuda_python_double import CUresult, make_cuda_python
from tests.support.tensorrt.installed import install_cuda, install_doubles
from tests.support.tensorrt.tensorrt_double import SCRATCH, VERSIONS, Plan

SIZE = (64, 48)
FEATURES, GATYS = features_graph(CLASSIC, "average"), gatys_graph(CLASSIC, "average")
GRAPHS = (FEATURES, GATYS)


@pytest.fixture(scope="module")
def onnx_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    write_graphs(CLASSIC, "average", load_vgg19(CLASSIC), folder)
    return folder


@pytest.fixture(scope="module")
def fixed_models(onnx_folder):
    models = {graph.name: onnx.load(str(onnx_folder / graph.onnx_file)) for graph in GRAPHS}
    return {g.name: fixed(models[g.name], g, SIZE).SerializeToString() for g in GRAPHS}


class Machine:
    """A machine with a TensorRT, a GPU and an engines folder."""

    def __init__(self, version, folder, onnx_folder, models, monkeypatch, package, **cuda):
        self.trt, self.cuda = install_doubles(monkeypatch, version, package, **cuda)
        self.folder, self._onnx_folder, self._models = folder, onnx_folder, models
        self.host = EngineHost(version, "8201", "5.3", "NVIDIA Tegra X1", "R32.6.1")

    def install(self, graph, *, plan=None, onnx_sum=None, host=None):
        """Put a plan of `graph` and its sidecar into the engines folder."""
        source = (self._onnx_folder / graph.onnx_file).read_bytes()
        (self.folder / graph.onnx_file).write_bytes(source)
        if plan is None:
            plan = Plan(self.trt.__version__, False, [], self._models[graph.name])
        (self.folder / spec_engines.plan_file(graph, SIZE)).write_bytes(bytes(plan))
        record = EngineRecord(
            key="",
            onnx_sha256=onnx_sum or hashlib.sha256(source).hexdigest(),
            host=host or self.host,
            precision="float32",
            workspace_mib=256,
            revision=1,
            plan_bytes=len(bytes(plan)),
            plan_sha256=hashlib.sha256(bytes(plan)).hexdigest(),
            seconds=1.0,
        )
        (self.folder / spec_engines.sidecar_file(graph, SIZE)).write_text(record.to_json())

    def backend(self, graph):
        return TrtBackend(graph, width=SIZE[0], height=SIZE[1], folder=self.folder)


@pytest.fixture
def machine_of(tmp_path, onnx_folder, fixed_models, monkeypatch):
    def make(version="8.0.1.6", package="pycuda", **cuda):
        return Machine(version, tmp_path, onnx_folder, fixed_models, monkeypatch, package, **cuda)

    return make


def feeds_for(graph, seed=0):
    rng = np.random.default_rng(seed)
    shapes = graph.input_shapes(height=SIZE[1], width=SIZE[0])
    feeds = {name: rng.random(shape, dtype=np.float32) for name, shape in shapes.items()}
    feeds["image"] = array(SIZE[1], SIZE[0], seed)
    return feeds


@pytest.mark.parametrize("integrated", [False, True], ids=["discrete", "integrated"])
@pytest.mark.parametrize("version", VERSIONS)
def test_equal_to_onnx_runtime_in_every_generation(machine_of, onnx_folder, version, integrated):
    machine = machine_of(version, integrated=integrated)
    for graph in GRAPHS:
        machine.install(graph)
    size = {"width": SIZE[0], "height": SIZE[1]}
    for graph in GRAPHS:
        with machine.backend(graph) as backend, OnnxRuntimeBackend(
            graph, folder=onnx_folder, **size
        ) as reference:
            for seed in (1, 2):
                feeds = feeds_for(graph, seed)
                results, expected = backend.run(feeds), reference.run(feeds)
                for name, values in expected.items():
                    np.testing.assert_allclose(results[name], values, rtol=1e-3, atol=1e-5)
    # Jetsons read the page-locked memory itself.
    assert (machine.cuda.gpu.copies == 0) == integrated


@pytest.mark.parametrize("integrated", [False, True], ids=["discrete", "integrated"])
def test_cuda_python_runs_engines_where_there_is_no_pycuda(machine_of, onnx_folder, integrated):
    machine = machine_of("11.0.0", "cuda.bindings", integrated=integrated)
    (device,) = {open_device(machine.cuda), open_device(machine.cuda)}
    assert device.name == "NVIDIA GeForce RTX 4060" and device.capability == "8.7"
    assert device.memory_mib == 1024
    machine.host = trt_plan.host_of(machine.trt, device)
    for graph in GRAPHS:
        machine.install(graph)
    size = {"width": SIZE[0], "height": SIZE[1]}
    feeds = feeds_for(GATYS)
    with machine.backend(GATYS) as backend, machine.backend(FEATURES) as other:
        with OnnxRuntimeBackend(GATYS, folder=onnx_folder, **size) as reference:
            results, expected = backend.run(feeds), reference.run(feeds)
        other.load()
        assert sorted(machine.cuda.gpu.live.values()).count(SCRATCH) == 1
    for name, values in expected.items():
        np.testing.assert_allclose(results[name], values, rtol=1e-3, atol=1e-5)
    assert (machine.cuda.gpu.copies == 0) == integrated
    del backend, other
    gc.collect()
    assert not machine.cuda.gpu.live
    assert machine.cuda.gpu.stack == 0


def test_cuda_python_s_codes_become_errors(machine_of, monkeypatch):
    machine = machine_of("11.0.0", "cuda.bindings", memory=100_000)
    machine.host = trt_plan.host_of(machine.trt, open_device(machine.cuda))
    machine.install(GATYS)
    with pytest.raises(DeviceMemoryError, match=r"free memory \(cuMemAlloc failed: out of memory"):
        machine.backend(GATYS).load()
    gc.collect()
    assert not machine.cuda.gpu.live and machine.cuda.gpu.stack == 0
    # The driver does not know every code: this one without words.
    failed = (CUresult.CUDA_ERROR_INVALID_CONTEXT,)
    monkeypatch.setattr(machine.cuda, "cuStreamSynchronize", lambda hStream: failed)
    device = open_device(machine.cuda)
    said = r"CUDA failed on NVIDIA .*Synchronize failed: error 201"
    with pytest.raises(BackendError, match=said), device.current():
        device.synchronize()
    for faults, said in (
        ({"devices": 0}, r"no usable GPU \(cuInit failed: no CUDA-capable device"),
        ({"driver": False}, "driver is not installed, or too old: Failed to dlopen libcuda"),
    ):
        install_cuda(monkeypatch, "cuda.bindings", make_cuda_python(**faults))
        with pytest.raises(BackendUnavailable, match=said):
            TrtBackend.check(machine.folder)


def test_a_pycuda_that_cannot_be_loaded_is_the_one_to_name(machine_of, monkeypatch):
    """Its extension is compiled for one CUDA; without cuda-python there is no other way."""
    machine_of("11.0.0", "cuda.bindings")
    broken = type(sys)("pycuda")
    broken.__path__ = []
    monkeypatch.setitem(sys.modules, "pycuda", broken)
    assert import_vendors()[1].__name__ == "cuda.bindings.driver"
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    monkeypatch.setitem(sys.modules, "cuda", None)
    with pytest.raises(BackendUnavailable, match=r"not both installed \(.*cuda"):
        import_vendors()


def test_engines_share_their_activation_memory_and_give_all_back(machine_of):
    machine = machine_of("8.4.1.5")
    for graph in GRAPHS:
        machine.install(graph)
    live = machine.cuda.gpu.live
    first, second = (machine.backend(graph) for graph in GRAPHS)
    first.load()
    second.load()
    assert sorted(live.values()).count(SCRATCH) == 1
    first.run(feeds_for(FEATURES))
    first.close()
    results = second.run(feeds_for(GATYS))
    second.close()
    gc.collect()
    assert not live
    assert machine.cuda.gpu.stack == 0
    assert np.isfinite(results["gradient"]).all(), "results outlive the backend"


def test_results_are_not_overwritten_by_the_next_run(machine_of):
    machine = machine_of("10.3.0")
    machine.install(FEATURES)
    with machine.backend(FEATURES) as backend:
        first = backend.run(feeds_for(FEATURES, 1))
        kept = {name: values.copy() for name, values in first.items()}
        backend.run(feeds_for(FEATURES, 2))
    for name, values in kept.items():
        np.testing.assert_array_equal(first[name], values)


def test_photo_of_another_size_is_painted_on_engines(machine_of):
    """The engines take one size only: the photo is fitted into it and comes back in its own."""
    machine = machine_of()
    for graph in GRAPHS:
        machine.install(graph)
    options = StylizeOptions(backend="trt", objective="classic", steps=3)
    losses = []
    painted = stylize(
        image(90, 101, 1),
        image(70, 64, 2),
        options,
        engines=machine.folder,
        on_progress=lambda progress: losses.append(progress.loss),
    )
    assert painted.size == (101, 90)
    coarse, fine = losses[:3], losses[3:]
    assert len(fine) == 3 and coarse[-1] < coarse[0] and fine[-1] < fine[0]


def test_shapes_are_those_of_the_plans_there(machine_of):
    machine = machine_of()
    assert TrtBackend.shapes(GATYS, machine.folder) == ()
    for size in ((384, 288), (64, 64)):
        (machine.folder / spec_engines.plan_file(GATYS, size)).write_bytes(b"")
        (machine.folder / spec_engines.plan_file(FEATURES, (32, 32))).write_bytes(b"")
    assert TrtBackend.shapes(GATYS, machine.folder) == ((64, 64), (384, 288))


def test_check_says_the_device_or_what_is_missing(machine_of, monkeypatch):
    machine = machine_of()
    with pytest.raises(BackendUnavailable, match=r"no engines in .* Run `make engines`"):
        TrtBackend.check(machine.folder)
    machine.install(GATYS)
    assert TrtBackend.check(machine.folder) == "NVIDIA Tegra X1, TensorRT 8.0.1.6"
    install_cuda(monkeypatch, "pycuda", make_cuda(devices=0))
    with pytest.raises(BackendUnavailable, match="no CUDA-capable device"):
        TrtBackend.check(machine.folder)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(BackendUnavailable, match="not both installed"):
        TrtBackend.check(machine.folder)


def test_missing_plan_names_the_sizes_that_are_there(machine_of):
    machine = machine_of()
    (machine.folder / spec_engines.plan_file(GATYS, (384, 288))).write_bytes(b"")
    with pytest.raises(
        GraphMissing, match=r"64x48.plan does not exist; built sizes: 384x288.*make"
    ):
        machine.backend(GATYS).load()


@pytest.mark.parametrize(
    "change, said",
    [
        ({"bindings": "8.2.1.8"}, "bindings '8.2.1.8', now '8.0.1.6'"),
        ({"library": "8001"}, "library '8001', now '8201'"),
        ({"device": "Orin", "capability": "8.7"}, "capability '8.7', now '5.3'; device 'Orin'"),
        ({"l4t": "R32.7.1"}, "l4t 'R32.7.1'"),
    ],
)
def test_plan_of_another_machine_or_version_is_stale(machine_of, change, said):
    machine = machine_of()
    machine.install(GATYS, host=dataclasses.replace(machine.host, **change))
    with pytest.raises(StaleEngine, match=f"built on another system: .*{said}.*make engines"):
        machine.backend(GATYS).load()


def test_plan_that_tensorrt_refuses_is_stale(machine_of):
    machine = machine_of()
    machine.install(GATYS, plan=b"not a plan at all")
    with pytest.raises(StaleEngine, match=r"refuses it: .*version tag.*make engines"):
        machine.backend(GATYS).load()
    assert machine.cuda.gpu.stack == 0


def test_truncated_damaged_outdated_and_undocumented_plans_are_stale(machine_of):
    machine = machine_of()
    path = machine.folder / spec_engines.plan_file(GATYS, SIZE)
    sidecar = machine.folder / spec_engines.sidecar_file(GATYS, SIZE)
    machine.install(GATYS)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1000])
    with pytest.raises(StaleEngine, match=f"expected {len(whole)}: it is incomplete.*make engines"):
        machine.backend(GATYS).load()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(StaleEngine, match="damaged"):
        machine.backend(GATYS).load()
    machine.install(GATYS, onnx_sum="0" * 64)
    with pytest.raises(StaleEngine, match=f"another {GATYS.onnx_file}"):
        machine.backend(GATYS).load()
    sidecar.write_text('{"key": 1}')
    with pytest.raises(StaleEngine, match="cannot be read"):
        machine.backend(GATYS).load()
    sidecar.unlink()
    with pytest.raises(StaleEngine, match=f"no {sidecar.name}"):
        machine.backend(GATYS).load()


def test_an_engine_is_hashed_once_and_again_when_it_is_built_anew(machine_of, monkeypatch):
    machine = machine_of()
    machine.install(GATYS)
    hashed = []
    sum_of = trt_plan.sum_of
    monkeypatch.setattr(
        trt_plan, "sum_of", lambda data: (hashed.append(len(data)), sum_of(data))[1]
    )
    for _ in range(2):
        machine.backend(GATYS).load()
        # The graph and the plan.
        assert len(hashed) == 2
    path = machine.folder / spec_engines.plan_file(GATYS, SIZE)
    plan = path.read_bytes()
    path.write_bytes(plan + b" ")
    with pytest.raises(StaleEngine, match="incomplete"):
        machine.backend(GATYS).load()
    path.write_bytes(plan[:-1] + bytes([plan[-1] ^ 1]))
    with pytest.raises(StaleEngine, match="damaged"):
        machine.backend(GATYS).load()


def test_engines_are_kept_until_they_are_built_anew(machine_of):
    machine = machine_of("8.4.1.5")
    for graph in GRAPHS:
        machine.install(graph)
    live = machine.cuda.gpu.live
    feeds = {graph: feeds_for(graph) for graph in GRAPHS}

    def run(graphs, graph):
        with graphs.open(TrtBackend, graph, SIZE, machine.folder) as backend:
            return backend, backend.run(feeds[graph])

    with KeptGraphs() as graphs:
        first = [run(graphs, graph) for graph in GRAPHS]
        again = [run(graphs, graph) for graph in GRAPHS]
        for (backend, results), (same, others) in zip(first, again):
            assert same is backend
            for name, values in results.items():
                np.testing.assert_array_equal(values, others[name])
        # What `make engines` does while the bot runs: the file is replaced.
        machine.install(GATYS)
        rebuilt, results = run(graphs, GATYS)
        assert rebuilt is not first[1][0]
        np.testing.assert_array_equal(results["gradient"], first[1][1]["gradient"])
    gc.collect()
    assert not live and machine.cuda.gpu.stack == 0


def test_plan_with_other_tensors_is_stale(machine_of, fixed_models):
    machine = machine_of()
    machine.install(GATYS, plan=Plan("8.0.1.6", False, [], fixed_models[FEATURES.name]))
    with pytest.raises(StaleEngine, match=r"has the tensors image.*expects content"):
        machine.backend(GATYS).load()
    gc.collect()
    assert not machine.cuda.gpu.live


@pytest.mark.parametrize("version", ["8.0.1.6", "11.0.0"])
def test_full_memory_is_told_as_such(machine_of, version):
    machine = machine_of(version, memory=100_000)
    machine.install(GATYS)
    with pytest.raises(DeviceMemoryError, match="NVIDIA Tegra X1 has not enough free memory"):
        machine.backend(GATYS).load()
    gc.collect()
    assert not machine.cuda.gpu.live and machine.cuda.gpu.stack == 0


def test_full_memory_in_tensorrt_is_told_as_such(machine_of):
    machine = machine_of()
    machine.install(GATYS)
    machine.trt.fail_deserialize = "Cuda Runtime (out of memory)"
    with pytest.raises(DeviceMemoryError, match="out of memory"):
        machine.backend(GATYS).load()
    machine.trt.fail_deserialize = ""
    with machine.backend(GATYS) as backend:
        machine.trt.fail_run = "enqueue failed: OutOfMemory"
        with pytest.raises(DeviceMemoryError, match="OutOfMemory"):
            backend.run(feeds_for(GATYS))
        machine.trt.fail_run = ""
        assert np.isfinite(backend.run(feeds_for(GATYS))["gradient"]).all()


@pytest.mark.parametrize("version", ["8.0.1.6", "10.3.0"])
def test_refused_runs_are_reported(machine_of, version):
    machine = machine_of(version)
    machine.install(GATYS)
    with machine.backend(GATYS) as backend:
        machine.trt.fail_run = "misaligned address"
        with pytest.raises(BackendError, match=r"could not run it: misaligned address\."):
            backend.run(feeds_for(GATYS))


def test_refused_buffer_is_reported(machine_of):
    machine = machine_of("11.0.0")
    machine.install(GATYS)
    machine.trt.fail_bind = True
    with pytest.raises(BackendError, match="refuses the buffer of image"):
        machine.backend(GATYS).load()


@pytest.mark.parametrize("factor", [np.nan, np.inf])
def test_what_is_not_a_number_is_reported(machine_of, factor):
    machine = machine_of()
    machine.install(GATYS)
    machine.trt.output_factor = np.float32(factor)
    with machine.backend(GATYS) as backend, pytest.raises(BackendError, match="not numbers"):
        backend.run(feeds_for(GATYS))


def test_release_of_the_jetson_is_read(tmp_path):
    path = tmp_path / "nv_tegra_release"
    assert trt_plan.l4t_release(path) == ""
    path.write_text("# R32 (release), REVISION: 6.1, GCID: 27863751, BOARD: t210ref, EABI: aarch64")
    assert trt_plan.l4t_release(path) == "R32.6.1"


def test_no_torch_and_no_vendor_library_comes_with_the_module():
    code = "import sys, runtime.backends.trt; print([m for m in sys.modules if m.split('.')[0] in"
    code += "('torch', 'tensorrt', 'pycuda', 'onnx', 'onnxruntime')])"
    root = Path(spec_engines.__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_doctor_tells_built_stale_and_missing_engines(machine_of, monkeypatch):
    machine = machine_of()
    monkeypatch.setattr("runtime.machine.survey.graph_sizes", lambda *_: (SIZE, (48, 64)))
    machine.install(FEATURES)
    machine.install(GATYS, onnx_sum="0" * 64)
    found = list(probes.PROBES[probes.ENGINES](machine.folder))
    assert [each.text for each in found] == [
        f"{FEATURES.name}: 1 built, 1 missing",
        f"{GATYS.name}: 0 built, 1 stale, 1 missing",
    ]
    assert "make engines" in found[0].advice and GATYS.onnx_file in found[1].advice
