"""Reads an engine's plan, and refuses a plan of another machine or graph."""

from __future__ import annotations

import ctypes
import functools
import hashlib
from pathlib import Path
from typing import Any, Optional

from runtime.backends.trt_device import Device
from runtime.errors import GraphMissing, StaleEngine
from runtime.files import Stamp, stamp_of
from runtime.spec.engines import (
    EngineHost,
    EngineRecord,
    Size,
    plan_file,
    planned_sizes,
    sidecar_file,
)
from runtime.spec.graphs import GraphSpec
from runtime.spec.tegra import l4t_release

CURE = "Run `make engines` to build it."


def host_of(trt: Any, device: Device) -> EngineHost:
    """This machine, as the record of a plan that loads here describes it."""
    return EngineHost(
        bindings=str(trt.__version__),
        library=library_version(str(trt.__version__)),
        capability=device.capability,
        device=device.name,
        l4t=l4t_release(),
    )


def library_version(bindings: str) -> str:
    """The version of libnvinfer, such as `8201`; empty if the library cannot be found.

    It differs from the version of the bindings if only one of them was upgraded.
    """
    try:
        # The bindings have loaded it, so its name is enough.
        library = ctypes.CDLL(f"libnvinfer.so.{bindings.split('.')[0]}")
        return str(library.getInferLibVersion())
    except (OSError, AttributeError):
        return ""


def read_plan(graph: GraphSpec, size: Size, folder: Path, here: EngineHost) -> bytes:
    """The plan of `graph` for pictures of `size`, checked against its sidecar and this machine.

    Raises `GraphMissing` when it does not exist, `StaleEngine` when it is truncated or damaged, has
    no sidecar, or was built from another ONNX file, by another TensorRT or for another device.
    """
    path = folder / plan_file(graph, size)
    if not path.exists():
        built = ", ".join(f"{width}x{height}" for width, height in planned_sizes(graph, folder))
        raise GraphMissing(f"{path} does not exist; built sizes: {built or 'none'}. {CURE}")
    record = _record(path, folder / sidecar_file(graph, size))
    differences = record.host.differences(here)
    if differences:
        raise StaleEngine(f"{path} was built on another system: {'; '.join(differences)}. {CURE}")
    onnx = folder / graph.onnx_file
    if onnx.exists() and _sum_of_file(onnx, stamp_of(onnx)) != record.onnx_sha256:
        raise StaleEngine(f"{path} was built from another {onnx.name}. {CURE}")
    stamp = stamp_of(path)
    plan = path.read_bytes()
    if len(plan) != record.plan_bytes:
        raise StaleEngine(
            f"{path} has {len(plan)} bytes, expected {record.plan_bytes}: it is incomplete. {CURE}"
        )
    if _sum_of_file(path, stamp) != record.plan_sha256:
        raise StaleEngine(f"{path} is damaged: its sha256 differs from its sidecar's. {CURE}")
    return plan


def sum_of(data: bytes) -> str:
    """The sha256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


@functools.lru_cache(maxsize=128)
def _sum_of_file(path: Path, stamp: Optional[Stamp]) -> str:
    """The sha256 of a file, computed once for each state of it that `stamp` distinguishes."""
    return sum_of(path.read_bytes())


def _record(plan: Path, sidecar: Path) -> EngineRecord:
    try:
        return EngineRecord.from_json(sidecar.read_text())
    except FileNotFoundError as error:
        raise StaleEngine(f"{plan} has no {sidecar.name} beside it. {CURE}") from error
    except ValueError as error:
        raise StaleEngine(f"{sidecar} cannot be read: {error}. {CURE}") from error
