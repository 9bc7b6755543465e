"""The second step of an engine's build with trtexec, where Python has no TensorRT.

A Jetson's own bindings are for its system's Python; trtexec comes with them and needs none.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np

from export.engines.builder import install
from export.engines.job import BUILD_FAILED, FLOAT32, PINNED, TEST_FAILED, TYPED, Job
from export.engines.staleness import record_of
from export.engines.verification import complaints, split
from export.errors import ExportError
from runtime.spec.engines import EngineHost
from runtime.spec.tegra import l4t_release

#: Where JetPack puts it, which is on no PATH.
_JETPACK = Path("/usr/src/tensorrt/bin/trtexec")


def find() -> Optional[str]:
    """The path of trtexec; None if there is none."""
    return shutil.which("trtexec") or (str(_JETPACK) if _JETPACK.exists() else None)


def help_of(program: str) -> str:
    """What trtexec says of its own options, which differ from version to version."""
    return _run([program, "--help"])[1]


def precision_of(help_text: str) -> str:
    """What a trtexec with this help can build; float32 where it cannot pin layers."""
    if "--layerPrecisions" in help_text and "--precisionConstraints" in help_text:
        return PINNED
    return TYPED if "--stronglyTyped" in help_text else FLOAT32


def host_in(output: str) -> EngineHost:
    """What plans are bound to, read off what trtexec prints when it starts."""

    def said(pattern: str) -> str:
        match = re.search(pattern, output)
        return match[1].strip() if match else ""

    return EngineHost(
        bindings="",
        library=said(r"\[TensorRT v(\d+)\]"),
        capability=said(r"Compute Capability: ([\d.]+)"),
        device=said(r"Selected Device: (.+)"),
        l4t=l4t_release(),
    )


def arguments(job: Job, help_text: str) -> List[str]:
    """The arguments that build the prepared file of `job`."""
    limit = f"--workspace={job.workspace_mib}"
    if "--memPoolSize" in help_text:
        limit = f"--memPoolSize=workspace:{job.workspace_mib}"
    given = [f"--onnx={job.prepared}", f"--saveEngine={job.unproven}", limit]
    if "--timingCacheFile" in help_text:
        given.append(f"--timingCacheFile={job.timing_cache}")
    if "--noTF32" in help_text:
        given.append("--noTF32")
    if job.precision == PINNED:
        pins = json.loads(job.pins.read_text())["pinned"]
        given += [
            "--fp16",
            "--precisionConstraints=obey",
            "--layerPrecisions=" + ",".join(f"{name}:fp32" for name in pins),
            "--layerOutputTypes=" + ",".join(f"{name}:fp32" for name in pins),
        ]
    elif job.precision == TYPED:
        given.append("--stronglyTyped")
    return [*given, *_test_arguments(job), "--iterations=1", "--warmUp=0", "--duration=0"]


def read_outputs(text: str) -> Dict[str, np.ndarray]:
    """The float32 arrays of a file that `--exportOutput` wrote."""
    return {
        each["name"]: np.array(each["values"], np.float32).reshape(
            [int(size) for size in each["dimensions"].split("x")]
        )
        for each in json.loads(text)
    }


def step(job: Job) -> int:
    """Build, test and install the engine of a prepared job; returns as `engine_builder.step` does.

    Raises `ExportError` when trtexec is gone, `OSError` when the disk is full.
    """
    program = find()
    if program is None:
        raise ExportError("trtexec is not there any more.")
    started = time.monotonic()
    with np.load(job.reference) as file:
        arrays = dict(file)
    for name, values in split(arrays, "in/").items():
        _input(job, name).write_bytes(values.tobytes())
    try:
        done = _run([program, *arguments(job, help_of(program))])
        if done[0] or not job.unproven.exists() or not _outputs(job).exists():
            print(done[1][-2000:], file=sys.stderr)
            return BUILD_FAILED
        failures = complaints(read_outputs(_outputs(job).read_text()), split(arrays, "out/"))
        if failures:
            print("\n".join(failures), file=sys.stderr)
            return TEST_FAILED
        plan = job.unproven.read_bytes()
        install(job, plan, record_of(job, host_in(done[1]), plan, time.monotonic() - started))
        return 0
    finally:
        for path in (
            job.unproven,
            _outputs(job),
            *(_input(job, each.name) for each in job.spec.inputs),
        ):
            if path.exists():
                path.unlink()


def _test_arguments(job: Job) -> List[str]:
    inputs = ",".join(f"{each.name}:{_input(job, each.name)}" for each in job.spec.inputs)
    return [f"--loadInputs={inputs}", f"--exportOutput={_outputs(job)}"]


def _input(job: Job, name: str) -> Path:
    return Path(job.folder) / f"{job.name}.{name}.part"


def _outputs(job: Job) -> Path:
    return Path(job.folder) / f"{job.name}.outputs.part"


def _run(command: List[str]) -> Tuple[int, str]:
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout
