"""Builds one engine: runs the steps, retries with other workspaces, and falls back to float32."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List

from export.engines.job import FLOAT32, PINNED, Job
from export.engines.staleness import correct_seconds
from export.engines.step import TEST_FAILED, WORKSPACE_REFUSED, run_step
from export.engines.turn import Turn
from export.errors import CannotBuild, EngineFailed
from runtime.files import remove_partial
from runtime.machine.resources import SWAP_RECIPE
from runtime.spec.engine_sizes import Device
from runtime.spec.engines import EngineHost

#: TensorRT's default workspace is 0 below 8.4, and from 8.4 on all device memory, which on a Jetson
#: is all memory. Up to 10 it holds one layer's own buffers, for which this is mostly enough.
_LAYER_MIB, _LEAST_MIB = 256, 64

#: From TensorRT 11 on it holds the activations too. The builder of TensorRT-RTX 1.7 needs 1.2 to 1.6
#: times the bytes that must be alive at once (240x240 to 1536x1152, both objectives).
_ACTIVATIONS_SHARE = 1.6

_PYTHON = [sys.executable, "-m"]
_PREPARE_STEP, _BUILD_STEP = "export.engines.prepare", "export.engines.builder"


@dataclass(frozen=True)
class BuildHost:
    """The machine as a builder of engines: what plans are bound to, their precision, the device."""

    host: EngineHost
    precision: str
    device: Device


def write_onnx(folder: Path, vgg: str) -> None:
    """Run `python -m export onnx` in a process of its own, which gives its memory back.

    `vgg` is the set of VGG-19's weights.
    """
    command = [*_PYTHON, "export", "onnx", "--vgg", vgg, "-o", str(folder)]
    done = subprocess.run(command, check=False)
    if done.returncode:
        print("Some graphs could not be written; continuing with those that exist.")


def probe_host() -> BuildHost:
    """Ask a process of its own for this machine's TensorRT and GPU.

    Raises `CannotBuild` with the reason and its cure when TensorRT, pycuda or the GPU is missing.
    """
    probe = subprocess.run(
        [*_PYTHON, _BUILD_STEP],
        check=False,
        capture_output=True,
        text=True,
    )
    if probe.returncode:
        reason = (probe.stderr.strip().splitlines() or [f"exit code {probe.returncode}."])[-1]
        raise CannotBuild(f"Engines cannot be built on this machine: {reason}")
    found = json.loads(probe.stdout)
    host = EngineHost(**found["host"])
    return BuildHost(host, found["precision"], Device.of(host, found["memory_mib"]))


def build(job: Job, turn: Turn) -> float:
    """Prepare, build, test and install the engine of `job`; returns the seconds it took.

    Each process waits for its `turn`, which the seconds leave out, as do those in the sidecar.

    Raises `DiskFull`, or `EngineFailed` with the last output of the process that failed.
    """
    started = time.monotonic() - turn.waited
    try:
        try:
            _build_with_retries(job, turn)
        except _TestFailed as failure:
            print(f"    {failure}\n    building it in float32 instead, which is slower")
            _build_with_retries(job.at(precision=FLOAT32), turn)
    except _TestFailed as failure:
        raise EngineFailed(f"{job.name} computes wrongly in float32 too: {failure}") from failure
    finally:
        # The reference of a large picture has 50 MB, and is computed again in seconds.
        for path in (job.prepared, job.pins, job.reference):
            if path.exists():
                path.unlink()
        # The kernel may have ended a step while it wrote one of them.
        for path in (job.plan, job.sidecar, job.reference, job.timing_cache):
            remove_partial(path)
    seconds = time.monotonic() - turn.waited - started
    correct_seconds(job, seconds)
    return seconds


def workspaces_mib(precision: str, live_mib: float) -> List[int]:
    """The workspaces to try in this order, powers of two; `live_mib` are the graph's activations.

    When the memory was full, the caller tries only smaller ones.
    """
    needed = _LAYER_MIB
    while needed < live_mib * _ACTIVATIONS_SHARE:
        needed *= 2
    # FP16 with pins is of TensorRT up to 10.
    first = _LAYER_MIB if precision == PINNED else needed
    up = [first]
    while up[-1] < 4 * needed:
        up.append(up[-1] * 2)
    down = [first // 2]
    while down[-1] > _LEAST_MIB:
        down.append(down[-1] // 2)
    return up + down


def _build_with_retries(job: Job, turn: Turn) -> None:
    """Try one workspace after the other until the build succeeds."""
    result = run_step(_PREPARE_STEP, job, turn)
    if result.code:
        raise EngineFailed(f"{job.name} could not be prepared: {result.last_lines}")
    smallest_too_large = sys.maxsize
    for workspace in workspaces_mib(job.precision, json.loads(job.pins.read_text())["live_mib"]):
        if workspace >= smallest_too_large:
            continue
        result = run_step(_BUILD_STEP, job.at(workspace_mib=workspace), turn)
        if result.code == 0:
            return
        if result.code == TEST_FAILED:
            raise _TestFailed(result.last_lines)
        if result.memory_was_full:
            smallest_too_large = workspace
        print(f"    not with {workspace} MiB of workspace: {result.last_lines}")
    if result.memory_was_full or result.code == WORKSPACE_REFUSED:
        raise EngineFailed(f"{job.name}: {result.last_lines}\n{SWAP_RECIPE}")
    raise EngineFailed(f"{job.name} could not be built: {result.last_lines}")


class _TestFailed(Exception):
    """A plan was built, but its outputs differ from the graph's."""
