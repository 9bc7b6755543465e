"""Runs the processes that build one engine, watches them, and says what became of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from export.engines import trtexec as engine_trtexec
from export.engines.job import DISK_FULL, FLOAT32, MEMORY_FULL, TEST_FAILED, Job
from export.engines.preflight import SWAP_RECIPE
from export.engines.step import NO_ROOM
from export.errors import DiskFull, EngineFailed
from runtime.spec.engines import EngineHost

#: Below 8.4 TensorRT takes none unless told to, from 8.4 all that there is, which on a Jetson is
#: the whole machine's. The first is enough for most; where TensorRT runs all of a graph in memory
#: of its own, as 11 does, the deep graph wants more. A full memory leaves only the smaller ones.
WORKSPACES_MIB = (256, 512, 1024, 128, 64)

#: The kernel's end of a process: as Python says it, and as a shell does.
_KILLED = (-9, 137)

#: How often a sign of life is given, on a terminal and in a log.
_TICK_S, _LOG_TICK_S = 1.0, 60.0

_PYTHON = [sys.executable, "-m"]


@dataclass(frozen=True)
class Tools:
    """What builds engines here: a module to run, its precision, and the host if it is known."""

    module: str
    precision: str
    host: Optional[EngineHost]


def write_onnx(folder: Path, vgg: str) -> None:
    """Run `python -m export onnx` in a process of its own, so that its memory is given back.

    `vgg` is the set of VGG-19's weights.
    """
    command = [*_PYTHON, "export", "onnx", "--vgg", vgg, "-o", str(folder)]
    done = subprocess.run(command, check=False)
    if done.returncode:
        print("Some graphs could not be written; going on with those that are there.")


def find_tools() -> Optional[Tools]:
    """The Python bindings with pycuda, else trtexec; None, after saying why, without either."""
    probe = subprocess.run(
        [*_PYTHON, "export.engines.builder"],
        check=False,
        capture_output=True,
        text=True,
    )
    if probe.returncode == 0:
        found = json.loads(probe.stdout)
        return Tools("export.engines.builder", found["precision"], EngineHost(**found["host"]))
    reason = (probe.stderr.strip().splitlines() or [f"exit code {probe.returncode}"])[-1]
    print(f"TensorRT cannot be used from Python here: {reason}", file=sys.stderr)
    program = engine_trtexec.find()
    if program is None:
        print("Nor is there trtexec, on the PATH or in /usr/src/tensorrt/bin.", file=sys.stderr)
        return None
    precision = engine_trtexec.precision_of(engine_trtexec.help_of(program))
    print(f"Building with {program} ({precision}).")
    return Tools("export.engines.trtexec", precision, None)


class Steps:
    """Builds engines with `tools`, each step in a process of its own."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def build(self, job: Job) -> float:
        """Prepare, build, test and install the engine of `job`; returns the seconds it took.

        Raises `DiskFull`, or `EngineFailed` with what the last process said.
        """
        started = time.monotonic()
        try:
            try:
                self._on_ladder(job)
            except _TestFailed as failure:
                if job.precision == FLOAT32:
                    raise EngineFailed(f"{job.name} computes wrongly: {failure}") from failure
                print(f"    {failure}\n    building it in float32 instead, which is slower")
                self._on_ladder(job.at(precision=FLOAT32))
        except _TestFailed as failure:
            raise EngineFailed(
                f"{job.name} computes wrongly in float32 too: {failure}"
            ) from failure
        finally:
            for path in (job.prepared, job.pins, job.unproven):
                if path.exists():
                    path.unlink()
        return time.monotonic() - started

    def _on_ladder(self, job: Job) -> None:
        """Build with one workspace after the other, until it can be."""
        said = self._run("export.engines.prepare", job)
        if said.code:
            raise EngineFailed(f"{job.name} could not be prepared: {said.last_words}")
        least_too_much = sys.maxsize
        for workspace in WORKSPACES_MIB:
            if workspace >= least_too_much:
                continue
            said = self._run(self._tools.module, job.at(workspace_mib=workspace))
            if said.code == 0:
                return
            if said.code == TEST_FAILED:
                raise _TestFailed(said.last_words)
            if said.code in (*_KILLED, MEMORY_FULL):
                least_too_much = workspace
            print(f"    not with {workspace} MiB of workspace: {said.last_words}")
        if said.code in (*_KILLED, MEMORY_FULL):
            raise EngineFailed(f"{job.name}: {said.last_words}\n{SWAP_RECIPE}")
        raise EngineFailed(f"{job.name} could not be built: {said.last_words}")

    def _run(self, module: str, job: Job) -> _Said:
        """Run a step in a process, with a sign of life; what it says goes to a file meanwhile."""
        log = Path(job.folder) / f"{job.name}.log.part"
        try:
            with log.open("wb") as output:
                command = [*_PYTHON, "export.engines.step", module, job.to_json()]
                process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
                _watch(process, f"    {module.rpartition('_')[2]}")
            said = _Said(process.returncode, log.read_text(errors="replace").strip())
        except OSError as error:
            if error.errno in NO_ROOM:
                raise DiskFull(_room(job, str(error))) from error
            raise EngineFailed(f"{job.name}: {error}") from error
        finally:
            if log.exists():
                log.unlink()
        if said.code == DISK_FULL:
            raise DiskFull(_room(job, said.last_words))
        return said


class _TestFailed(Exception):
    """A plan was built, but computes something else than the graph."""


@dataclass(frozen=True)
class _Said:
    code: int
    text: str

    @property
    def last_words(self) -> str:
        if self.code in _KILLED:
            return "the kernel ended it because the memory was full."
        lines: List[str] = self.text.splitlines()[-3:]
        return " ".join(lines) or f"exit code {self.code}"


def _room(job: Job, said: str) -> str:
    return (
        f"{said}. Make room on the disk of {job.folder} and run `make engines` again; the engines "
        "that were there are kept."
    )


def _watch(process: subprocess.Popen[bytes], what: str) -> None:
    """Wait for `process`; on a terminal the elapsed time runs, in a log there is a line a minute."""
    terminal = sys.stdout.isatty()
    started = time.monotonic()
    try:
        while True:
            try:
                process.wait(_TICK_S if terminal else _LOG_TICK_S)
                break
            except subprocess.TimeoutExpired:
                minutes, seconds = divmod(int(time.monotonic() - started), 60)
                print(f"\r{what} {minutes}:{seconds:02d}", end="" if terminal else "\n", flush=True)
    except KeyboardInterrupt:
        process.wait()
        raise
    if terminal:
        print("\r" + " " * (len(what) + 8), end="\r", flush=True)
