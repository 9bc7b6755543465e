"""Makes the stand-ins for tensorrt and pycuda what this process imports under these names."""

from __future__ import annotations

import sys
import types
from typing import Any, Tuple

import pytest

from runtime.backends import trt_plan
from tests.support.tensorrt.cuda_double import make_cuda
from tests.support.tensorrt.tensorrt_double import make_tensorrt


def install_doubles(
    monkeypatch: pytest.MonkeyPatch, version: str, **cuda: Any
) -> Tuple[types.ModuleType, types.ModuleType]:
    """A Nano with this TensorRT; returns both modules. `cuda` is what `make_cuda` takes."""
    tensorrt, driver = make_tensorrt(version), make_cuda(**cuda)
    package = types.ModuleType("pycuda")
    package.driver = driver  # type: ignore[attr-defined]
    modules = {"tensorrt": tensorrt, "pycuda": package, "pycuda.driver": driver}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(trt_plan, "library_version", lambda bindings: "8201")
    monkeypatch.setattr(trt_plan, "l4t_release", lambda: "R32.6.1")
    return tensorrt, driver
