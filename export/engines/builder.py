"""The second step of an engine's build: TensorRT builds the plan, which is tested and installed.

`python -m export.engines.builder` prints what engines built here are bound to.

It runs in a process without torch and onnx: on a Jetson the builder needs all memory, and gives it
back only when the process ends. TensorRT 8.0 to 11 have different names: each one that a version
may lack is looked up before it is used.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Collection, List, Set

from export.engines.job import PINNED, TYPED, Job
from export.engines.reference import complaints, read_reference
from export.engines.staleness import record_of
from export.engines.step import BUILD_FAILED, MEMORY_FULL, TEST_FAILED, WORKSPACE_REFUSED
from runtime.backends.trt_device import Device, import_vendors, open_device
from runtime.backends.trt_plan import host_of
from runtime.backends.trt_session import Session, logger_of
from runtime.errors import BackendError, BackendUnavailable, DeviceMemoryError
from runtime.files import atomic_write
from runtime.machine.nvidia import tensorrt_cure


class BuildFailed(Exception):
    """TensorRT could not build the engine; the message quotes it."""


def main() -> int:
    """Print the host and its engines' precision as JSON; returns 1 without TensorRT or a GPU."""
    try:
        trt, cuda = import_vendors()
        device = open_device(cuda)
        host = host_of(trt, device)
    except BackendUnavailable as error:
        # One that is installed but cannot be loaded needs another cure, which the error names.
        absent = isinstance(error.__cause__, ModuleNotFoundError)
        print(f"{error} {tensorrt_cure()}" if absent else error, file=sys.stderr)
        return 1
    precision = PINNED if hasattr(trt.BuilderFlag, "FP16") else TYPED
    found = {"host": vars(host), "precision": precision, "memory_mib": device.memory_mib}
    print(json.dumps(found))
    return 0


def step(job: Job) -> int:
    """Build, test and install the engine of a prepared job; returns the exit code.

    Raises `BackendUnavailable` without TensorRT, pycuda or a GPU.
    """
    trt, cuda = import_vendors()
    return build_and_install(trt, open_device(cuda), job)


def build_and_install(trt: Any, device: Device, job: Job) -> int:
    """Build the plan of `job` and test it; a good one replaces the plan and its sidecar.

    Returns the exit code: 0, `BUILD_FAILED`, `MEMORY_FULL`, `WORKSPACE_REFUSED` or `TEST_FAILED`.
    Raises `OSError` when the disk is full.
    """
    started = time.monotonic()
    try:
        with device.current():
            plan = build(trt, job)
        failures = test(trt, device, job, plan)
    except (BuildFailed, BackendError) as error:
        print(error, file=sys.stderr)
        return exit_code_of(error)
    if failures:
        print("\n".join(failures), file=sys.stderr)
        return TEST_FAILED
    install(job, plan, record_of(job, host_of(trt, device), plan, time.monotonic() - started))
    return 0


def exit_code_of(error: Exception) -> int:
    """The exit code for a build that failed: memory, workspace, or anything else."""
    # CUDA's words, and TensorRT's one word for a workspace that is too small or cannot be had.
    if isinstance(error, DeviceMemoryError) or "out of memory" in str(error):
        return MEMORY_FULL
    return WORKSPACE_REFUSED if "OutOfMemory" in str(error) else BUILD_FAILED


def build(trt: Any, job: Job) -> bytes:
    """The plan of a prepared job, in the job's precision.

    Raises `BuildFailed` with TensorRT's last error.
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
        raise BuildFailed(f"{job.name}: TensorRT returned no plan: {logger.last() or 'no reason'}")
    _keep_timing_cache(config, job.timing_cache)
    return bytes(plan)


def pin(trt: Any, network: Any, pinned: Collection[str], free: Collection[str]) -> int:
    """Make the layers of the `pinned` nodes compute and return float32; returns their number.

    The parser names a node's layer after the node. Layers of neither list are the parser's own, for
    a constant or a broadcast: such a layer is pinned if the layer that reads it is.
    """
    count = 0
    read_by_pinned: Set[str] = set()
    for layer in reversed([network.get_layer(index) for index in range(network.num_layers)]):
        outputs = [layer.get_output(index) for index in range(layer.num_outputs)]
        helps = layer.name not in free and any(each.name in read_by_pinned for each in outputs)
        if layer.name not in pinned and not helps:
            continue
        inputs = (layer.get_input(index) for index in range(layer.num_inputs))
        read_by_pinned.update(each.name for each in inputs if each is not None)
        # A type on a layer of shapes, integers or booleans breaks the build.
        if any(each.dtype != trt.DataType.FLOAT or each.is_shape_tensor for each in outputs):
            continue
        layer.precision = trt.DataType.FLOAT
        for index in range(len(outputs)):
            layer.set_output_type(index, trt.DataType.FLOAT)
        count += 1
    return count


def test(trt: Any, device: Device, job: Job, plan: bytes) -> List[str]:
    """Run `plan` on the reference's inputs; returns what is wrong with its outputs.

    Raises `BackendError` if it cannot be loaded or run.
    """
    inputs, outputs = read_reference(job.reference)
    session = Session(trt, device, plan, job.plan.name)
    try:
        return complaints(session.run(inputs), outputs)
    finally:
        session.close()


def install(job: Job, plan: bytes, record: Any) -> None:
    """Replace the plan and its sidecar, or leave both as they are and raise `OSError`."""
    # The plan last: a painting takes it as soon as it is there. After a power cut between the two
    # an old plan does not fit the sidecar's sum: it is stale.
    with atomic_write(job.plan) as file, atomic_write(job.sidecar) as sidecar:
        file.write(plan)
        # Now, so that a full disk fails before either of the two is replaced.
        file.flush()
        sidecar.write(record.to_json().encode())


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
        # It has no more bits than FP16: pinned layers must compute in true float32.
        config.clear_flag(flags.TF32)
    if job.precision == PINNED:
        config.set_flag(flags.FP16)
        # Without this flag pins are hints. 8.0 and 8.1 have only the older name.
        obey = "OBEY_PRECISION_CONSTRAINTS"
        config.set_flag(getattr(flags, obey) if hasattr(flags, obey) else flags.STRICT_TYPES)
    return config


def _use_timing_cache(config: Any, path: Path) -> None:
    """Reuse earlier measurements; start without any if they are of another TensorRT."""
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
