"""The stand-ins have no name and no parameter that the real modules lack.

What the code calls on a stand-in is therefore there in the real module of its generation.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tensorrt.cuda_double import make_cuda
from tests.support.tensorrt.cuda_python_double import make_cuda_python
from tests.support.tensorrt.tensorrt_double import VERSIONS, make_tensorrt

#: Each importable module, without a GPU, and the stand-in's version that has its API.
REAL = {"tensorrt_rtx": "11.0.0", "tensorrt": "8.4.1.5"}

#: Not TensorRT's: what tests set and read.
_FAULTS = {"classes", "output_factor", "half_factor", "die_above_mib"}


@pytest.fixture(scope="module", params=REAL)
def pair(request):
    """A real module and the stand-in for its generation."""
    try:
        real = importlib.import_module(request.param)
    except ImportError as error:
        pytest.skip(f"{request.param} is not installed ({error})")
    version = "11.0.0" if request.param == "tensorrt_rtx" else "8.4.1.5"
    if request.param == "tensorrt":
        version = real.__version__
        if version not in VERSIONS:
            pytest.skip(f"there is no stand-in for tensorrt {version}")
    return real, make_tensorrt(version)


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


def functions(double):
    """Every (class name, name, function) of the stand-in's methods."""
    for class_name, kind in double.classes.items():
        for name in public(kind):
            member = inspect.getattr_static(kind, name)
            if inspect.isfunction(member):
                yield class_name, name, member


def test_every_name_is_a_real_one(pair):
    real, double = pair
    own = {name for name in public(double) if name not in _FAULTS and not name.startswith("fail_")}
    assert own <= public(real)
    for class_name, kind in double.classes.items():
        assert public(kind) <= public(getattr(real, class_name)), class_name


def test_enumerations_have_real_members_only(pair):
    real, double = pair
    for name in public(double):
        kind = getattr(double, name)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            assert set(kind.__members__) <= public(getattr(real, name)), name
            if name not in ("DataType", "TensorIOMode"):
                member = next(iter(kind.__members__))
                # The code shifts a bit by it.
                assert isinstance(int(getattr(getattr(real, name), member)), int)


def test_parameters_are_real_ones_in_their_order(pair):
    real, double = pair
    checked = 0
    for class_name, name, function in functions(double):
        own = [each for each in inspect.signature(function).parameters if each != "self"]
        text = getattr(getattr(real, class_name), name).__doc__
        signatures = re.findall(rf"{name}\(self: [^,)]*,? ?(.*)\) -> ", text)
        real_names = [re.findall(r"(\w+): ", each) for each in signatures]
        assert any(names[: len(own)] == own for names in real_names), (class_name, name, text)
        checked += 1
    assert checked > 15


def test_what_the_code_does_without_is_absent_in_the_generation_that_lost_it(pair):
    """The forks in the code: on each side one name is there."""
    real, double = pair
    for thing, name in (
        (("BuilderFlag",), "FP16"),
        (("BuilderFlag",), "OBEY_PRECISION_CONSTRAINTS"),
        (("NetworkDefinitionCreationFlag",), "EXPLICIT_BATCH"),
        (("NetworkDefinitionCreationFlag",), "STRONGLY_TYPED"),
        (("classes", "IExecutionContext"), "execute_async_v2"),
        (("classes", "IExecutionContext"), "execute_async_v3"),
        (("classes", "IExecutionContext"), "set_device_memory"),
        (("classes", "ICudaEngine"), "create_execution_context_without_device_memory"),
        (("classes", "ICudaEngine"), "device_memory_size_v2"),
        (("classes", "IBuilderConfig"), "set_memory_pool_limit"),
        ((), "ExecutionContextAllocationStrategy"),
    ):
        mine = double.classes[thing[1]] if len(thing) == 2 else double
        mine = getattr(mine, thing[0]) if len(thing) == 1 else mine
        other = getattr(real, thing[-1]) if thing else real
        assert hasattr(mine, name) == hasattr(other, name), name


def test_pycuda_has_every_name():
    try:
        real = importlib.import_module("pycuda.driver")
    except ImportError as error:
        pytest.skip(f"pycuda is not installed ({error})")
    double = make_cuda()
    assert public(double) - {"gpu"} <= public(real)
    for name in ("Context", "Stream", "host_alloc_flags", "device_attribute"):
        own = public(getattr(double, name)) - {"by_handle", "current"}
        assert own <= public(getattr(real, name)), name
    handle = double.Device(0)
    assert public(handle) <= public(real.Device)


def test_cuda_python_has_every_name_and_its_parameters():
    try:
        real = importlib.import_module("cuda.bindings.driver")
    except ImportError as error:
        pytest.skip(f"cuda-python is not installed ({error})")
    double = make_cuda_python()
    assert public(double) - {"gpu"} <= public(real)
    assert double.CU_MEMHOSTALLOC_DEVICEMAP == real.CU_MEMHOSTALLOC_DEVICEMAP
    for name in ("CUresult", "CUdevice_attribute"):
        for member in getattr(double, name):
            assert int(getattr(getattr(real, name), member.name)) == member.value, member
    functions = [name for name in public(double) if name.startswith("cu")]
    for name in functions:
        own, its = (inspect.signature(getattr(each, name)) for each in (double, real))
        assert list(own.parameters) == list(its.parameters), name
    assert len(functions) > 15


DRIVER = Path(__file__).with_name("driver.c")


@pytest.mark.parametrize("kind", [{}, {"INTEGRATED": "1"}], ids=["discrete", "integrated"])
def test_cuda_python_itself_drives_a_device(tmp_path, kind):
    """The real module, on a libcuda whose device is this machine's memory."""
    pytest.importorskip("cuda.bindings.driver", reason="cuda-python is not installed")
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    library = tmp_path / "libcuda.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(DRIVER)], check=True)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path), **kind}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout.decode()
    assert done.stdout.decode().splitlines() == [
        "Stand-in 8.9 3072 MiB",
        "[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]",
        "cuMemAlloc failed: out of memory",
        "allocated: 0",
    ]


_PROGRAM = """
import ctypes, gc
import numpy as np
from cuda.bindings import driver
from runtime.backends.trt_device import open_device
from runtime.errors import DeviceMemoryError
device = open_device(driver)
print(device.name, device.capability, device.memory_mib, "MiB")
with device.current():
    first, second = device.buffer((1, 2, 3)), device.buffer((1, 2, 3))
    first.array[...] = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    first.upload()
    device.synchronize()
    # What an engine does: from one address on the device to another.
    ctypes.memmove(second.address, first.address, first.array.nbytes)
    second.download()
    device.synchronize()
    print(second.array.ravel().tolist())
    device.scratch.join(device, 64)
    assert device.scratch.address
    device.scratch.leave(device)
try:
    with device.current():
        device.scratch.join(device, 1 << 40)
except DeviceMemoryError as error:
    print(str(error.__cause__))
del first, second
gc.collect()
print("allocated:", ctypes.CDLL("libcuda.so.1").allocated())
"""
