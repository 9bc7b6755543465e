"""Makes the stand-ins for tensorrt and CUDA what this process imports under these names."""

from __future__ import annotations

import sys
import types
from typing import Any, Tuple

import pytest

from runtime.backends import trt_plan
from tests.support.tensorrt.cuda_double import make_cuda
from tests.support.tensorrt.cuda_python_double import make_cuda_python
from tests.support.tensorrt.tensorrt_double import make_tensorrt

MAKERS = {"pycuda": make_cuda, "cuda.bindings": make_cuda_python}


def install_doubles(
    monkeypatch: pytest.MonkeyPatch, version: str, package: str = "pycuda", **cuda: Any
) -> Tuple[types.ModuleType, types.ModuleType]:
    """A Nano with this TensorRT; returns both modules. `cuda` is what the package's maker takes."""
    tensorrt, driver = make_tensorrt(version), MAKERS[package](**cuda)
    monkeypatch.setitem(sys.modules, "tensorrt", tensorrt)
    install_cuda(monkeypatch, package, driver)
    monkeypatch.setattr(trt_plan, "library_version", lambda bindings: "8201")
    monkeypatch.setattr(trt_plan, "l4t_release", lambda: "R32.6.1")
    return tensorrt, driver


def install_cuda(monkeypatch: pytest.MonkeyPatch, name: str, driver: types.ModuleType) -> None:
    """Make `driver` the module of the package `name`, and the only one of its kind."""
    package = types.ModuleType(name)
    package.driver = driver  # type: ignore[attr-defined]
    modules = {**dict.fromkeys(MAKERS), "cuda": types.ModuleType("cuda")}
    modules.update({name: package, f"{name}.driver": driver})
    for each, module in modules.items():
        monkeypatch.setitem(sys.modules, each, module)
