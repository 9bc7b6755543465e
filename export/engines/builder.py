"""The second step of an engine's build: TensorRT builds it; it is tested and installed.

`python -m export.engines.builder` prints what engines built here are bound to.

It runs in a process without torch and onnx: on a Jetson the builder needs all the memory there is,
and what it does not give back, the end of the process does. TensorRT's names are those of 8.0 to
11; which of them are there is asked for, since versions differ from one to the next.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Collection, Dict, List, Set

from export.engines.job import BUILD_FAILED, MEMORY_FULL, NOT_HERE, PINNED, TEST_FAILED, TYPED, Job
from export.engines.staleness import record_of
from runtime.backends.trt_device import Device, import_vendors, open_device
from runtime.backends.trt_plan import host_of
from runtime.backends.trt_session import Session, logger_of
from runtime.errors import BackendError, BackendUnavailable, DeviceMemoryError
from runtime.files import atomic_write
from runtime.machine.resources import INSTALL_TENSORRT


class BuildFailed(Exception):
    """TensorRT could not build the engine; the message says what it said."""


def main() -> int:
    """Print the host and its engines' precision as JSON; `NOT_HERE` without TensorRT or a GPU."""
    try:
        trt, cuda = import_vendors()
        host = host_of(trt, open_device(cuda))
    except BackendUnavailable as error:
        # One that is installed but cannot be loaded needs another cure, which the error names.
        absent = isinstance(error.__cause__, ModuleNotFoundError)
        print(f"{error} {INSTALL_TENSORRT}" if absent else error, file=sys.stderr)
        return NOT_HERE
    precision = PINNED if hasattr(trt.BuilderFlag, "FP16") else TYPED
    print(json.dumps({"host": vars(host), "precision": precision}))
    return 0


def step(job: Job) -> int:
    """Build, test and install the engine of a prepared job; returns as `build_and_install` does.

    Raises `BackendUnavailable` without TensorRT, pycuda or a GPU.
    """
    trt, cuda = import_vendors()
    return build_and_install(trt, open_device(cuda), job)


def build_and_install(trt: Any, device: Device, job: Job) -> int:
    """Build the plan of `job`, test it, and put it and its sidecar in their places.

    Returns the exit code: 0, `BUILD_FAILED`, `MEMORY_FULL` or `TEST_FAILED`. What was there stays
    until then.
    Raises `OSError` when the disk is full.
    """
    started = time.monotonic()
    try:
        with device.current():
            plan = build(trt, job)
        failures = test(trt, device, job, plan)
    except (BuildFailed, BackendError) as error:
        print(error, file=sys.stderr)
        # CUDA's words; for a workspace that is too small TensorRT has others.
        full = isinstance(error, DeviceMemoryError) or "out of memory" in str(error)
        return MEMORY_FULL if full else BUILD_FAILED
    if failures:
        print("\n".join(failures), file=sys.stderr)
        return TEST_FAILED
    install(job, plan, record_of(job, host_of(trt, device), plan, time.monotonic() - started))
    return 0


def build(trt: Any, job: Job) -> bytes:
    """The plan of a prepared job, its precision as the job says.

    Raises `BuildFailed` with TensorRT's last words.
    """
    logger = logger_of(trt)
    logger.forget()
    trt.init_libnvinfer_plugins(logger, "")
    builder = trt.Builder(logger)
    network = builder.create_network(_network_flags(trt, job.precision))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(job.prepared.read_bytes()):
        errors = "; ".join(str(parser.get_error(index)) for index in range(parser.num_errors))
        raise BuildFailed(f"{job.name}: TensorRT cannot read the ONNX file: {errors}")
    config = _configured(trt, builder, job)
    if job.precision == PINNED:
        names = json.loads(job.pins.read_text())
        pin(trt, network, set(names["pinned"]), set(names["free"]))
    _use_timing_cache(config, job.timing_cache)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise BuildFailed(f"{job.name}: TensorRT gives no plan: {logger.last() or 'no reason'}")
    _keep_timing_cache(config, job.timing_cache)
    return bytes(plan)


def pin(trt: Any, network: Any, pinned: Collection[str], free: Collection[str]) -> int:
    """Let the layers of the `pinned` nodes compute and give float32; returns how many they are.

    The parser names a node's layer after the node. Those of neither list it adds itself, for a
    constant or to broadcast: each takes after the layer that it serves.
    """
    count = 0
    served: Set[str] = set()
    for layer in reversed([network.get_layer(index) for index in range(network.num_layers)]):
        outputs = [layer.get_output(index) for index in range(layer.num_outputs)]
        helps = layer.name not in free and any(each.name in served for each in outputs)
        if layer.name not in pinned and not helps:
            continue
        inputs = (layer.get_input(index) for index in range(layer.num_inputs))
        served.update(each.name for each in inputs if each is not None)
        # A type on a layer of shapes, integers or truth values breaks the build.
        if any(each.dtype != trt.DataType.FLOAT or each.is_shape_tensor for each in outputs):
            continue
        layer.precision = trt.DataType.FLOAT
        for index in range(len(outputs)):
            layer.set_output_type(index, trt.DataType.FLOAT)
        count += 1
    return count


def test(trt: Any, device: Device, job: Job, plan: bytes) -> List[str]:
    """Run `plan` on the reference inputs; returns what is wrong with its outputs.

    Raises `BackendError` if it cannot be loaded or run.
    """
    import numpy as np

    from export.engines.verification import complaints, split

    with np.load(job.reference) as file:
        arrays: Dict[str, Any] = dict(file)
    session = Session(trt, device, plan, job.plan.name)
    try:
        return complaints(session.run(split(arrays, "in/")), split(arrays, "out/"))
    finally:
        session.close()


def install(job: Job, plan: bytes, record: Any) -> None:
    """Put the plan and its sidecar in place, whole or not at all; raises `OSError` otherwise."""
    # A power cut between the two leaves a plan that its sidecar's sum does not fit: it is stale.
    with atomic_write(job.sidecar) as sidecar, atomic_write(job.plan) as file:
        sidecar.write(record.to_json().encode())
        # A disk that becomes full must not become so between the two.
        sidecar.flush()
        file.write(plan)


def _network_flags(trt: Any, precision: str) -> int:
    names = ["EXPLICIT_BATCH"]
    if precision == TYPED:
        names.append("STRONGLY_TYPED")
    creation = trt.NetworkDefinitionCreationFlag
    return sum(1 << int(getattr(creation, name)) for name in names if hasattr(creation, name))


def _configured(trt: Any, builder: Any, job: Job) -> Any:
    config = builder.create_builder_config()
    size = job.workspace_mib << 20
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, size)
    else:
        config.max_workspace_size = size
    flags = trt.BuilderFlag
    if hasattr(flags, "TF32"):
        # Its ten bits are those of FP16: what is pinned shall be float32.
        config.clear_flag(flags.TF32)
    if job.precision == PINNED:
        config.set_flag(flags.FP16)
        # Without one of them a pin is a hint. 8.0 and 8.1 know the older name only.
        obey = "OBEY_PRECISION_CONSTRAINTS"
        config.set_flag(getattr(flags, obey) if hasattr(flags, obey) else flags.STRICT_TYPES)
    return config


def _use_timing_cache(config: Any, path: Path) -> None:
    """Begin with what was measured before, or with nothing if another TensorRT measured it."""
    data = path.read_bytes() if path.exists() else b""
    for content in (data, b"") if data else (b"",):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return


def _keep_timing_cache(config: Any, path: Path) -> None:
    cache = config.get_timing_cache()
    if cache is None:
        return
    with atomic_write(path) as file:
        file.write(bytes(cache.serialize()))


if __name__ == "__main__":
    sys.exit(main())
