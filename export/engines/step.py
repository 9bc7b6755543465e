"""One step of an engine's build, in a process of its own: `python -m export.engines.step`.

`run_step` starts the process and waits for it; `main` runs in it and turns errors into exit codes.
A process gives back all its memory when it ends, which a Jetson's builder needs.
"""

from __future__ import annotations

import errno
import importlib
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from export.engines.job import Job
from export.engines.turn import Turn
from export.errors import DiskFull, EngineFailed
from runtime.errors import JetbrushError

#: The exit codes of a step, beside 0.
BUILD_FAILED, TEST_FAILED, DISK_FULL, MEMORY_FULL, WORKSPACE_REFUSED = 10, 11, 12, 14, 15

#: The system's errors for a full disk and a full quota.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

#: How Python and a shell report a process that the kernel's OOM killer ended.
_KILLED = (-9, 137)

#: How often the elapsed time is printed, on a terminal and in a log. Each tick looks for paintings.
_TICK_S, _LOG_TICK_S = 1.0, 60.0


@dataclass(frozen=True)
class Result:
    """The exit code of a step's process, and its output."""

    code: int
    text: str

    @property
    def memory_was_full(self) -> bool:
        """Whether it ended because the memory of the machine or the GPU was full."""
        return self.code in (*_KILLED, MEMORY_FULL)

    @property
    def last_lines(self) -> str:
        """The end of the output in one line: the reason of a failure."""
        if self.code in _KILLED:
            return "the kernel ended it because the memory was full."
        lines: List[str] = self.text.splitlines()[-3:]
        return " ".join(lines) or f"exit code {self.code}"


def run_step(module: str, job: Job, turn: Turn) -> Result:
    """Run `step(job)` of `module` in a process when it is its turn; prints the elapsed time.

    A step that had to end for a painting is run again.
    Raises `DiskFull`, and `EngineFailed` if the process cannot be started.
    """
    while True:
        turn.wait()
        result = _run_once(module, job, turn)
        if result is not None:
            break
        print("    ended for a photo that needs the memory; trying again", flush=True)
    if result.code == DISK_FULL:
        raise _disk_full(job, result.last_lines)
    return result


def _run_once(module: str, job: Job, turn: Turn) -> Optional[Result]:
    """The result of the step; None if it gave way to a painting."""
    log = Path(job.folder) / f"{job.name}.log.part"
    try:
        with log.open("wb") as output:
            command = [sys.executable, "-m", "export.engines.step", module, job.to_json()]
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
            ended = _wait(process, f"    {module.rpartition('.')[2]}", turn)
        return (
            Result(process.returncode, log.read_text(errors="replace").strip()) if ended else None
        )
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _disk_full(job, str(error)) from error
        raise EngineFailed(f"{job.name}: {error}") from error
    finally:
        if log.exists():
            log.unlink()


def main(arguments: List[str]) -> int:
    """Run a step of a job, `MODULE JOB`; returns its exit code, or the code of its error."""
    module, job = arguments
    try:
        return int(importlib.import_module(module).step(Job.from_json(job)))
    except OSError as error:
        print(error, file=sys.stderr)
        return DISK_FULL if error.errno in _NO_ROOM else BUILD_FAILED
    except JetbrushError as error:
        print(error, file=sys.stderr)
        return BUILD_FAILED


def _disk_full(job: Job, reason: str) -> DiskFull:
    return DiskFull(
        f"{reason}. Make room on the disk of {job.folder} and run `make engines` again; existing "
        "engines are kept."
    )


def _wait(process: subprocess.Popen[bytes], name: str, turn: Turn) -> bool:
    """Whether `process` ended by itself; prints the elapsed time each second, in a log each minute."""
    terminal = sys.stdout.isatty()
    started = said = time.monotonic()
    try:
        while True:
            try:
                process.wait(_TICK_S)
                break
            except subprocess.TimeoutExpired:
                if not turn.give_way(process):
                    return False
            now = time.monotonic()
            if terminal or now - said >= _LOG_TICK_S:
                said = now
                minutes, seconds = divmod(int(now - started), 60)
                text = f"{name} {minutes}:{seconds:02d}"
                # The journal hides a line with a carriage return.
                print(f"\r{text}" if terminal else text, end="" if terminal else "\n", flush=True)
    except KeyboardInterrupt:
        process.wait()
        raise
    if terminal:
        print("\r" + " " * (len(name) + 8), end="\r", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
