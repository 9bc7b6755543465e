"""`make bench-gpu` without a GPU: torch on the CPU, and stand-ins for TensorRT and CUDA."""

from __future__ import annotations

import json
import os

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from runtime.spec.engine_sizes import Stage
from tests.bench.gpu import __main__ as gpu
from tests.bench.gpu.cuda_driver import Driver, DriverError
from tests.bench.gpu.measure import Bench, Settings
from tests.bench.gpu.stages import StageRun, desktop_runs
from tests.bench.gpu.task import TIME_IS_UP, Task, run_task
from tests.bench.pairs import PAIRS, ROOT

#: TensorRT-RTX has the interface of TensorRT 11; here it is installed and TensorRT is not.
_MODULES = {
    "tensorrt.py": "raise ImportError('no TensorRT today')",
    "tensorrt_rtx.py": """
import sys
from tests.support.tensorrt.tensorrt_double import make_tensorrt
sys.modules[__name__] = make_tensorrt("11.0.0")
""",
    "pycuda/__init__.py": """
import sys
from tests.support.tensorrt.cuda_double import make_cuda
driver = sys.modules["pycuda.driver"] = make_cuda()
""",
}


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A folder before the installed packages on the path of the parts' processes."""
    folder = tmp_path / "modules"
    (folder / "pycuda").mkdir(parents=True)
    for name, text in _MODULES.items():
        (folder / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{ROOT}")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return folder


@pytest.fixture
def one_thread():
    """Threads that wait for each other take minutes for a small picture where others compute."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.any_python
def test_every_part_has_its_figures_or_its_reason(modules, one_thread, tmp_path, capfd):
    settings = Settings(
        device="cpu",
        size=(48, 32),
        generator_size=(32, 32),
        repeats=1,
        steps=1,
        pairs=PAIRS[:1],
        stages=(
            StageRun(Stage.FINE, (64, 48)),
            StageRun(Stage.COARSE, (64, 48)),
            StageRun(Stage.STYLE_VECTOR, (256, 256)),
        ),
        seconds=3600,
    )
    found = Bench(settings, tmp_path).measure()
    printed = capfd.readouterr().out
    (gatys,) = found["gatys"]
    for parts in (gatys["parts"], found["generator"]["parts"]):
        assert list(parts) == ["torch", "pyt", "tensorrt", "tensorrt_rtx"]
        assert "no TensorRT today" in parts["tensorrt"]["reason"]
        for name in ("torch", "pyt", "tensorrt_rtx"):
            assert parts[name]["seconds"] > 0 and parts[name]["gflops"] >= 0
            # The CPU of torch before 2.0 multiplies no float16: then there is a reason instead.
            assert "of_float32" in parts[name]
    assert gatys["parts"]["torch"]["evaluations"] == 200
    assert gatys["parts"]["tensorrt_rtx"]["reached"]
    assert found["generator"]["parts"]["tensorrt_rtx"]["psnr"] > 35
    fine = found["stages"][0]["parts"]
    assert "gflops" in fine["pyt"] and "gflops" in fine["tensorrt_rtx"]
    # The deeper layers of VGG-19 are fetched; without them these have their reason.
    for row in (*found["stages"][1:], *found["paintings"]):
        for part in row["parts"].values():
            assert part.get("seconds", 0) > 0 or part["reason"], row
    assert [row["what"] for row in found["paintings"]] == ["painting, 64x48"]
    assert "gatys-classic-average-vgg19-64x48" in found["engines"]["tensorrt_rtx"]["seconds"]
    assert "| not run: " in printed and "no TensorRT today" in printed
    assert "| What | With | Evaluations |" in printed and "| fine, 64x48 | pyt | " in printed
    json.dumps(found)


def test_a_desktop_s_sizes_are_those_that_engines_are_built_for():
    sizes = {}
    for each in desktop_runs():
        sizes.setdefault(each.stage, []).append(each.size)
    assert sizes[Stage.FINE] == [(1280, 960), (1024, 768), (768, 576)]
    assert set(sizes) == {*Stage} - {Stage.GENERATOR}


def test_no_part_takes_longer_than_the_time_that_is_left(modules, tmp_path):
    assert run_task(Task("graphs", str(tmp_path), "cpu"), {}, 0) == {"reason": TIME_IS_UP}
    (modules / "PIL").mkdir()
    (modules / "PIL" / "__init__.py").write_text("import time\ntime.sleep(3600)")
    assert run_task(Task("graphs", str(tmp_path), "cpu"), {}, 0.1) == {"reason": TIME_IS_UP}


def test_a_part_that_dies_is_told_by_its_signal(modules, tmp_path):
    (modules / "PIL").mkdir()
    (modules / "PIL" / "__init__.py").write_text("import os\nos.kill(os.getpid(), 11)")
    assert run_task(Task("graphs", str(tmp_path), "cpu"), {}) == {
        "reason": "its process was ended by signal 11"
    }


def test_a_part_without_its_gpu_says_so(tmp_path):
    """torch on the CPU is no stand-in for a GPU where figures are taken."""
    reason = run_task(Task("recipe", str(tmp_path), "cuda"), {})["reason"]
    assert "NVIDIA's driver" in reason or "cannot use the GPU" in reason


def test_without_a_gpu_one_sentence_and_the_documented_code(monkeypatch, capsys, tmp_path):
    def refuse(self):
        raise DriverError("NVIDIA's driver is not installed (no file).")

    monkeypatch.setattr(gpu.Driver, "__init__", refuse)
    assert gpu.main(["-o", str(tmp_path / "bench-gpu.json")]) == gpu.NO_GPU == 3
    assert capsys.readouterr().err == (
        "NVIDIA's driver is not installed (no file). These figures are for a machine with a CUDA "
        "GPU.\n"
    )
    assert not (tmp_path / "bench-gpu.json").exists()


def test_a_library_s_many_lines_are_one_reason(modules, tmp_path):
    (modules / "torch.py").write_text(
        "class cuda:\n"
        "    def is_available():\n"
        "        raise RuntimeError('CUDA error: no kernel image\\nCompile with TORCH_USE_CUDA_DSA')\n"
    )
    (modules / "sitecustomize.py").write_text(
        "import tests.bench.gpu.cuda_driver as driver\n"
        "import contextlib\n"
        "class Driver:\n"
        "    @contextlib.contextmanager\n"
        "    def watched(self):\n"
        "        yield\n"
        "driver.Driver = Driver\n"
    )
    reason = run_task(Task("peaks", str(tmp_path), "cuda"), {})["reason"]
    assert reason == "RuntimeError: CUDA error: no kernel image"


@pytest.mark.parametrize("part, code", [({"reason": "no"}, 1), ({"seconds": 1.0}, 0)])
def test_exit_code_says_whether_there_are_figures(monkeypatch, tmp_path, part, code):
    def measure(bench):
        return {
            "stages": [],
            "paintings": [],
            "gatys": [{"parts": {"torch": {"reason": "no"}}}],
            "generator": {"parts": {"a": part}},
        }

    monkeypatch.setattr(gpu, "Driver", lambda: Driver(Library()))
    monkeypatch.setattr(gpu.Bench, "measure", measure)
    output = tmp_path / "bench-gpu.json"
    assert gpu.main(["-o", str(output)]) == code
    assert json.loads(output.read_text())["gpu"] == "NVIDIA Tegra X1"


class Library:
    """libcuda with one device of 1000 MiB, of which `used` are taken."""

    def __init__(self, devices=1, code=0):
        self.devices, self.code, self.used, self.contexts = devices, code, 100, 0

    def _answer(self, *arguments):
        return self.code

    cuInit = cuDeviceGet = cuCtxPushCurrent_v2 = cuCtxPopCurrent_v2 = _answer

    def cuDeviceGetCount(self, count):
        count._obj.value = self.devices
        return self.code

    def cuDeviceGetName(self, name, size, device):
        name.value = b"NVIDIA Tegra X1"
        return self.code

    def cuDevicePrimaryCtxRetain(self, context, device):
        self.contexts += 1
        return self.code

    def cuDevicePrimaryCtxRelease(self, device):
        self.contexts -= 1
        return self.code

    def cuMemGetInfo_v2(self, free, total):
        free._obj.value, total._obj.value = (1000 - self.used) << 20, 1000 << 20
        return self.code


def test_driver_tells_the_most_memory_that_was_taken():
    library = Library()
    driver = Driver(library)
    assert driver.name == "NVIDIA Tegra X1"
    with driver.watched() as memory:
        assert library.contexts == 1
        library.used = 350
    assert memory.peak_mib == 250
    assert library.contexts == 0


@pytest.mark.parametrize(
    "library, said",
    [
        (Library(devices=0), "finds no GPU"),
        (Library(code=100), "answers cuInit with the error 100"),
    ],
)
def test_driver_without_a_device_says_why(library, said):
    with pytest.raises(DriverError, match=said):
        Driver(library)
