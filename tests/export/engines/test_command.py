"""`python -m export engines` as its owner runs it, in processes, TensorRT's stand-in among them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from export.__main__ import main
from export.engines import command as engines_command
from export.engines.command import NOT_A_BUILDER
from export.engines.job import FLOAT32
from runtime.spec import engines as spec_engines
from runtime.spec.engine_progress import Activity, read_progress
from runtime.spec.engines import EngineRecord
from runtime.spec.folder import record_weights
from runtime.spec.graphs import features_graph, gatys_graph
from runtime.spec.turns import building
from runtime.spec.vgg import CLASSIC, VGG19, VGG19_CALTECH101
from tests.support.tensorrt.builder_double import Plan

ROOT = Path(spec_engines.__file__).parent.parent.parent
FEATURES, GATYS = features_graph(CLASSIC, "average"), gatys_graph(CLASSIC, "average")
SIZE = (48, 32)

#: Modules that stand before the real ones on the path of the processes, with faults from outside.
_TENSORRT = """
import json, os
from tests.support.tensorrt.tensorrt_double import make_tensorrt
module = make_tensorrt(os.environ["DOUBLE_VERSION"])
vars(module).update(json.loads(os.environ.get("DOUBLE_FAULTS", "{}")))
import sys
sys.modules["tensorrt"] = module
"""
_PYCUDA = """
import sys
from tests.support.tensorrt.cuda_double import make_cuda
driver = sys.modules["pycuda.driver"] = make_cuda()
"""


class Owner:
    """An owner's machine: engines folder, environment, and the command."""

    def __init__(self, folder, monkeypatch, capfd):
        self.folder = folder / "engines"
        self.folder.mkdir()
        self.modules = folder / "modules"
        (self.modules / "pycuda").mkdir(parents=True)
        self._patch, self._capfd = monkeypatch, capfd
        self.set("PYTHONPATH", str(self.modules))
        self.set("OMP_NUM_THREADS", "1")

    def set(self, name, value):
        """Set a variable of the processes that the command starts."""
        self._patch.setenv(name, value)

    def install_tensorrt(self, version="8.0.1.6"):
        (self.modules / "tensorrt.py").write_text(_TENSORRT)
        (self.modules / "pycuda" / "__init__.py").write_text(_PYCUDA)
        self.set("PYTHONPATH", f"{self.modules}{os.pathsep}{ROOT}")
        self.set("DOUBLE_VERSION", version)

    def engines(self, *words, **faults):
        self.set("DOUBLE_FAULTS", json.dumps(faults))
        self._patch.chdir(ROOT)
        try:
            code = main(["engines", "-o", str(self.folder), *words])
        except SystemExit as error:
            code = error.code
        sys.stdout.flush()
        said = self._capfd.readouterr()
        return Done(code, said.out, said.err)

    def build(self, **faults):
        return self.engines(GATYS.name, "--size", "48x32", **faults)

    def record(self, graph=GATYS):
        return EngineRecord.from_json(
            (self.folder / spec_engines.sidecar_file(graph, SIZE)).read_text()
        )

    def plan(self, graph=GATYS):
        return self.folder / spec_engines.plan_file(graph, SIZE)


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def machine(tmp_path, monkeypatch, capfd):
    return Owner(tmp_path, monkeypatch, capfd)


@pytest.fixture
def owner(machine, vgg_graphs, monkeypatch):
    """A machine whose graphs are written: all of them would take seconds for each test."""

    def write_onnx(folder, vgg):
        for graph in (FEATURES, GATYS):
            shutil.copy(str(vgg_graphs.path(graph)), folder)

    monkeypatch.setattr(engines_command, "write_onnx", write_onnx)
    return machine


def test_without_tensorrt_the_graphs_are_written_and_what_is_missing_is_said(machine):
    (machine.modules / "tensorrt.py").write_text(
        "raise ModuleNotFoundError('No module named tensorrt')"
    )
    machine.set("PATH", "")
    done = machine.engines()
    assert done.returncode == NOT_A_BUILDER == 3
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "TensorRT and pycuda or cuda-python are not both installed (No module named" in errors[0]
    # What a PC needs: most machines of tests have no card.
    assert "No NVIDIA card" in errors[0] or "setup-gpu" in errors[0]
    assert "JetPack" not in errors[0]
    assert "run `make engines` on the machine with the GPU" in done.stdout
    for graph in (FEATURES, GATYS):
        assert (machine.folder / graph.onnx_file).exists()


def test_builds_resumes_and_leaves_nothing_behind(owner):
    owner.install_tensorrt()
    words = (FEATURES.name, GATYS.name, "--size", "48x32")
    done = owner.engines(*words)
    assert done.returncode == 0, done.stderr
    assert "2 engines, 0 of them built, 2 to build." in done.stdout
    assert "built and tested in" in done.stdout
    assert "They need about" in done.stdout and "assuming that each takes" in done.stdout
    assert not list(owner.folder.glob("*.part")) and not list(owner.folder.glob("*.npz"))
    before = owner.plan().stat().st_mtime_ns
    again = owner.engines(*words)
    assert again.returncode == 0
    assert "2 engines, 2 of them built, 0 to build." in again.stdout
    assert "They need" not in again.stdout
    assert owner.plan().stat().st_mtime_ns == before
    owner.plan(FEATURES).unlink()
    done = owner.engines(*words)
    assert "2 engines, 1 of them built, 1 to build." in done.stdout
    assert "by what the 1 built here took" in done.stdout
    assert owner.plan(FEATURES).exists() and owner.plan().stat().st_mtime_ns == before


def test_progress_is_in_a_file_until_all_engines_are_built(owner, monkeypatch):
    owner.install_tensorrt()
    engines = [(GATYS, SIZE), (FEATURES, SIZE)]
    monkeypatch.setattr(engines_command, "in_order", lambda *_: engines)
    assert owner.engines("--first").returncode == 0
    assert owner.plan().exists() and not owner.plan(FEATURES).exists()
    found = read_progress(owner.folder)
    assert (found.built, found.planned, found.failed) == (1, 2, 0)
    assert found.seconds_left > 0 and found.activity is Activity.STOPPED
    assert owner.engines(fail_build="no kernel").returncode == 1
    assert read_progress(owner.folder).failed == 1
    # A few engines by name are no progress of the whole.
    assert owner.engines(FEATURES.name, "--size", "48x32").returncode == 0
    assert read_progress(owner.folder).built == 1
    assert owner.engines().returncode == 0
    assert read_progress(owner.folder) is None


def test_systemd_shows_the_progress(owner, monkeypatch):
    owner.install_tensorrt()
    monkeypatch.setattr(engines_command, "in_order", lambda *_: [(GATYS, SIZE)])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        address = str(owner.folder / "notify")
        systemd.bind(address)
        systemd.setblocking(False)
        owner.set("NOTIFY_SOCKET", address)
        assert owner.engines().returncode == 0
        said = [systemd.recv(4096).decode() for _ in range(3)]
    assert re.fullmatch(r"STATUS=0 of 1 engines built, about \d min left; building", said[0])
    assert said[1:] == [
        "STATUS=1 of 1 engines built; building",
        "STATUS=1 of 1 engines built; stopped",
    ]


def test_one_process_builds_at_a_time(owner):
    with building(owner.folder):
        done = owner.build()
    assert done.returncode == 1 and "systemctl status jetbrush-engines" in done.stderr


def test_weights_stay_those_that_the_bot_paints_with(owner, monkeypatch):
    """The service names no weights: the owner's choice must hold."""
    chosen = []
    monkeypatch.setattr(engines_command, "check_installed", chosen.append)
    record_weights(owner.folder, VGG19_CALTECH101)
    owner.engines("nonsense")
    owner.engines("nonsense", "--vgg", VGG19)
    assert chosen == [VGG19_CALTECH101, VGG19]


def test_stale_engines_of_other_sizes_are_deleted_and_valid_ones_kept(owner, monkeypatch):
    owner.install_tensorrt()
    assert owner.engines(GATYS.name, "--size", "32x48", "--size", "32x32").returncode == 0
    (owner.folder / spec_engines.sidecar_file(GATYS, (32, 32))).unlink()
    monkeypatch.setattr(engines_command, "in_order", lambda *_: [(GATYS, SIZE)])
    done = owner.engines()
    assert done.returncode == 0, done.stderr
    assert f"{GATYS.name}-32x32: deleted" in done.stdout and "32x48: deleted" not in done.stdout
    assert spec_engines.planned_sizes(GATYS, owner.folder) == ((32, 48), SIZE)


def test_engines_of_another_tensorrt_are_out_of_the_way_before_the_first_is_built(
    owner, monkeypatch
):
    """A photo would choose them, and be painted without the engines that are built already."""
    owner.install_tensorrt()
    engines = [(GATYS, SIZE), (FEATURES, SIZE)]
    monkeypatch.setattr(engines_command, "in_order", lambda *_: engines)
    assert owner.engines().returncode == 0
    owner.set("DOUBLE_VERSION", "8.4.1.5")
    done = owner.engines("--first")
    assert done.returncode == 0, done.stderr
    assert f"{FEATURES.name}-48x32: deleted, as it cannot be loaded here any more" in done.stdout
    assert owner.record().host.bindings == "8.4.1.5" and not owner.plan(FEATURES).exists()


def test_ladder_goes_down_to_what_the_memory_holds(owner):
    owner.install_tensorrt()
    done = owner.build(fail_above_mib=200)
    assert done.returncode == 0
    assert "not with 256 MiB of workspace: " in done.stdout and "out of memory" in done.stdout
    assert "512" not in done.stdout
    assert owner.record().workspace_mib == 128


def test_ladder_goes_up_when_the_workspace_is_too_small(owner):
    owner.install_tensorrt("11.0.0")
    done = owner.build(fail_below_mib=512)
    assert done.returncode == 0, done.stderr
    assert "not with 256 MiB of workspace: " in done.stdout
    assert owner.record().workspace_mib == 512


def test_workspace_that_no_memory_holds_is_a_lack_of_memory(owner):
    """TensorRT says one word for a workspace that is too small, and for one that cannot be had."""
    owner.install_tensorrt("11.0.0")
    done = owner.build(fail_build="OutOfMemory")
    assert done.returncode == 1
    assert "not with 1024 MiB of workspace: " in done.stdout
    assert "not with 64 MiB of workspace: " in done.stdout
    assert "fallocate -l 4G /swapfile" in done.stderr


def test_kill_by_the_kernel_is_answered_with_the_swap_recipe(owner):
    owner.install_tensorrt()
    done = owner.build(die_above_mib=1)
    assert done.returncode == 1
    assert "not with 64 MiB of workspace: the kernel ended it" in done.stdout
    assert "fallocate -l 4G /swapfile" in done.stderr
    assert f"Not built: {GATYS.name}-48x32" in done.stderr
    assert not owner.plan().exists() and not list(owner.folder.glob("*.part"))


def test_fp16_plan_that_fails_its_test_is_built_in_float32(owner):
    owner.install_tensorrt("8.4.1.5")
    done = owner.build(half_factor=2.0)
    assert done.returncode == 0
    assert "off by 100.0%" in done.stdout and "in float32 instead" in done.stdout
    assert owner.record().precision == FLOAT32
    assert not Plan.parse(owner.plan().read_bytes()).fp16


def test_plan_that_is_wrong_in_float32_too_is_refused(owner):
    owner.install_tensorrt("11.0.0")
    done = owner.build(output_factor=2.0)
    assert done.returncode == 1 and "computes wrongly in float32 too" in done.stderr
    assert not owner.plan().exists()


@pytest.mark.parametrize(
    "words, said",
    [
        (("generator-absent",), "holds no generator-absent.onnx"),
        (("nonsense",), "no graph 'nonsense'"),
        (("--size", "100x100"), "multiples of 16"),
        (("--size", "big"), "'big' is not a size"),
    ],
)
def test_wrong_words_are_told(owner, words, said):
    owner.install_tensorrt()
    done = owner.engines(*words)
    assert done.returncode in (1, 2) and said in done.stderr


def test_sides_are_multiples_of_what_engines_are_built_in(owner, monkeypatch):
    monkeypatch.setattr(engines_command, "SIDE_STEP", 32)
    assert "48x32: width and height must be multiples of 32" in owner.build().stderr
    assert "must be multiples of 32" in owner.engines("--size", "0x32").stderr


def test_full_disk_ends_the_build_and_keeps_what_is_there(owner):
    owner.install_tensorrt()
    assert owner.build().returncode == 0
    old = owner.plan().read_bytes()
    # The double's own files: a disk that takes no plan any more.
    (owner.modules / "sitecustomize.py").write_text(
        "import errno, functools, os\n"
        "opened = os.open\n"
        "def full(path, *arguments, **options):\n"
        "    if '.plan.' in str(path):\n"
        "        raise OSError(errno.ENOSPC, 'No space left on device', str(path))\n"
        "    return opened(path, *arguments, **options)\n"
        # Not a function, which Python 3.8's pathlib would call with itself.
        "os.open = functools.partial(full)\n"
    )
    owner.set("DOUBLE_VERSION", "8.4.1.5")
    done = owner.build()
    assert "bindings '8.0.1.6', now '8.4.1.5'" in done.stdout
    assert done.returncode == 1
    assert "No space left on device" in done.stderr and "Make room on the disk" in done.stderr
    assert owner.plan().read_bytes() == old
