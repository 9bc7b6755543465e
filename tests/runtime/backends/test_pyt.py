"""What is torch's own among the backends: devices, precisions, and its place in the order."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.graphs.gatys import write_graphs
from export.sources.vgg import load_vgg19
from runtime import backends
from runtime.backends import AUTO, candidates, pyt
from runtime.backends.operators import Place
from runtime.errors import BackendError, BackendUnavailable, GraphMismatch
from runtime.spec.graphs import features_graph, gatys_graph, gram_name
from runtime.spec.vgg import CLASSIC
from tests.support.pictures import array

torch = pytest.importorskip("torch")

SIZE = HEIGHT, WIDTH = 32, 48
FEATURES, GATYS = features_graph(CLASSIC, "average"), gatys_graph(CLASSIC, "average")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("engines")
    write_graphs(CLASSIC, "average", load_vgg19(CLASSIC), path)
    return path


@pytest.fixture
def feeds(folder):
    """A half-finished picture: its loss is small, and so are its gradients."""
    with pyt.PytBackend(FEATURES, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
        photo, style = (loaded.run({"image": array(*SIZE, seed=seed)}) for seed in (1, 2))
    grams = {gram_name(layer): style[gram_name(layer)] for layer in CLASSIC.style_layers}
    weights = np.array([4 / np.mean(gram**2) for gram in grams.values()], np.float32)
    return {
        **grams,
        "content": photo["content"],
        "content_map": np.ones((1, 1, *photo["content"].shape[2:]), np.float32),
        "image": (0.5 * array(*SIZE, seed=1) + 0.5 * array(*SIZE, seed=2)),
        "style_weights": weights,
        "content_weight": np.array([1 / np.mean(photo["content"] ** 2)], np.float32),
    }


def compute(monkeypatch, folder, feeds, precision):
    if precision is torch.float16:
        value = torch.zeros(1, 1, 3, 3, dtype=precision)
        try:
            torch.nn.functional.conv2d(value, value)
        except RuntimeError as error:
            pytest.skip(f"this torch has no float16 on the CPU: {error}")
    place = Place(torch, torch.device("cpu"), precision)
    monkeypatch.setattr(pyt, "_place", lambda: place)
    with pyt.PytBackend(GATYS, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
        return loaded.run(feeds)


@pytest.mark.parametrize("precision, cosine", [("float16", 0.9999), ("bfloat16", 0.998)])
def test_half_precision_keeps_the_gradient(monkeypatch, folder, feeds, precision, cosine):
    exact = compute(monkeypatch, folder, feeds, torch.float32)
    half = compute(monkeypatch, folder, feeds, getattr(torch, precision))
    # Not the exact one: the convolutions are computed in the precision that was asked for.
    assert not np.array_equal(half["gradient"], exact["gradient"])
    a, b = (each["gradient"].ravel().astype(np.float64) for each in (half, exact))
    assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > cosine
    np.testing.assert_allclose(half["style_losses"], exact["style_losses"], rtol=0.02)


def test_small_gradients_do_not_vanish_in_float16(monkeypatch, folder, feeds):
    feeds["style_weights"] *= np.float32(1e-3)
    feeds["content_weight"] *= np.float32(1e-3)
    exact = compute(monkeypatch, folder, feeds, torch.float32)["gradient"]
    half = compute(monkeypatch, folder, feeds, torch.float16)["gradient"]
    assert np.linalg.norm(half - exact) < 0.05 * np.linalg.norm(exact)


@pytest.fixture
def on_cpu(monkeypatch):
    """No GPU, and a processor that nothing is known about yet."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    pyt._bfloat16_pays.cache_clear()
    yield
    pyt._bfloat16_pays.cache_clear()


@pytest.mark.parametrize(
    "capabilities, faster, expected",
    [
        ({"avx512_bf16": True}, True, "CPU, bfloat16"),
        ({"amx_bf16": True}, True, "CPU, bfloat16"),
        ({"avx512_bf16": True}, False, "CPU, float32"),
        ({"avx2": True, "avx512_bf16": False}, True, "CPU, float32"),
    ],
)
def test_bfloat16_only_on_processors_that_are_faster_with_it(
    monkeypatch, on_cpu, capabilities, faster, expected
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    monkeypatch.setattr(pyt, "is_faster", lambda half, full: faster)
    assert pyt.PytBackend.check(Path()) == expected


def test_precisions_are_compared_on_one_thread_by_convolutions(monkeypatch, on_cpu):
    def compare(half, full):
        compared.append((half().dtype, full().dtype, torch.get_num_threads()))
        return True

    compared = []
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": 1}, raising=False)
    monkeypatch.setattr(pyt, "is_faster", compare)
    threads = torch.get_num_threads()
    # Measured once.
    assert pyt.PytBackend.check(Path()) == pyt.PytBackend.check(Path()) == "CPU, bfloat16"
    assert compared == [(torch.bfloat16, torch.float32, 1)]
    assert torch.get_num_threads() == threads


def test_a_torch_that_does_not_tell_computes_in_float32(monkeypatch, on_cpu):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert pyt.PytBackend.check(Path()) == "CPU, float32"


@pytest.mark.parametrize("capability, precision", [((5, 3), "float32"), ((7, 5), "float16")])
def test_float16_on_gpus_with_tensor_cores(monkeypatch, capability, precision):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "GeForce")
    assert pyt.PytBackend.check(Path()) == f"GeForce, {precision}"


@pytest.mark.parametrize("module", ["torch", "onnx"])
def test_unavailable_without_its_libraries(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BackendUnavailable, match=rf"(?i){module}.*not installed"):
        pyt.PytBackend.check(Path())


def test_out_of_gpu_memory_is_said_as_such(monkeypatch, folder, feeds):
    def fail(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with pyt.PytBackend(GATYS, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
        monkeypatch.setattr(pyt, "apply", fail)
        with pytest.raises(BackendError, match=r"memory is not enough .* at 48x32; a smaller size"):
            loaded.run(feeds)
        monkeypatch.setattr(pyt, "apply", lambda *_: torch.zeros(1) @ torch.zeros(2))
        with pytest.raises(BackendError, match="PyTorch failed in gatys-classic-average-vgg19: "):
            loaded.run(feeds)


def test_an_operator_of_another_version_is_refused(folder, tmp_path):
    model = onnx.load(str(folder / FEATURES.onnx_file))
    next(node for node in model.graph.node if node.op_type == "Relu").op_type = "Elu"
    onnx.save(model, str(tmp_path / FEATURES.onnx_file))
    with pytest.raises(GraphMismatch, match=r"operators Elu, .*`make onnx`"):
        pyt.PytBackend(FEATURES, height=HEIGHT, width=WIDTH, folder=tmp_path).load()


class Stub:
    """Stands for a backend that can run here."""

    def __init__(self, name):
        self.name = name

    def check(self, folder):
        return "here"


@pytest.mark.parametrize(
    "gpu, order",
    [(True, ["trt", "pyt", "openvino", "onnxrt"]), (False, ["trt", "openvino", "onnxrt", "pyt"])],
)
def test_auto_takes_torch_before_the_cpu_backends_only_with_a_gpu(monkeypatch, gpu, order):
    monkeypatch.setattr(pyt, "has_gpu", lambda: gpu)
    monkeypatch.setattr(backends, "backend_class", Stub)
    assert [each.name for each in candidates(AUTO, Path())] == order


def test_torch_is_not_loaded_beside_tensorrt_on_a_small_board(monkeypatch, caplog):
    def imported():
        raise AssertionError("torch was loaded")

    monkeypatch.setattr(pyt, "has_gpu", imported)
    monkeypatch.setattr(backends, "backend_class", Stub)
    monkeypatch.setattr(backends, "board_memory_mib", lambda: 3956)
    with caplog.at_level("INFO"):
        assert [each.name for each in candidates(AUTO, Path())] == ["trt", "openvino", "onnxrt"]
    assert "trt failed. pyt is not loaded beside trt: the board has 3956 MiB" in caplog.text
    monkeypatch.setattr(pyt, "has_gpu", lambda: True)
    monkeypatch.setattr(backends, "board_memory_mib", lambda: 7620)
    assert "pyt" in [each.name for each in candidates(AUTO, Path())]


def test_a_small_board_without_engines_paints_with_torch(monkeypatch):
    class Absent(Stub):
        def check(self, folder):
            if self.name == "trt":
                raise BackendUnavailable("There are no engines.")
            return "here"

    monkeypatch.setattr(pyt, "has_gpu", lambda: True)
    monkeypatch.setattr(backends, "backend_class", Absent)
    monkeypatch.setattr(backends, "board_memory_mib", lambda: 3956)
    assert next(candidates(AUTO, Path())).name == "pyt"


def test_no_gpu_without_torch_or_driver(monkeypatch):
    def no_driver(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(pyt, "ctypes", types.SimpleNamespace(CDLL=lambda name: None))
    assert pyt.has_gpu()
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not pyt.has_gpu()
    monkeypatch.undo()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(pyt, "ctypes", types.SimpleNamespace(CDLL=no_driver))
    assert not pyt.has_gpu()


def test_torch_stays_out_of_the_process_until_it_is_used():
    script = (
        "import sys, runtime.backends.pyt, runtime.options, runtime.backends as b\n"
        "b.backend_class('pyt')\n"
        "assert 'torch' not in sys.modules and 'onnx' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
