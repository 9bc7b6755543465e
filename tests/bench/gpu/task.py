"""What `make bench-gpu` asks of the processes that it starts, one for each part."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from runtime.options import StylizeOptions
from runtime.spec.engines import Size
from tests.bench.pairs import ROOT


@dataclass(frozen=True)
class Task:
    """One part: `kind` is a function of `gpu_part`; `folder` holds the graphs and engines.

    `target` is the loss to reach, None if the reference could not say it.
    """

    kind: str
    folder: str
    device: str = "cuda"
    backend: str = ""
    photo: str = ""
    style: str = ""
    size: Size = (0, 0)
    target: Optional[float] = None
    repeats: int = 1
    #: The most evaluations of a painting's coarse stage.
    steps: int = StylizeOptions.steps
    #: After so many seconds no further engine is started.
    seconds: float = float("inf")
    graphs: Tuple[Tuple[str, Size], ...] = ()

    def to_json(self) -> str:
        """The task as a process's argument."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        graphs = tuple((name, (size[0], size[1])) for name, size in values.pop("graphs"))
        return cls(**{**values, "size": tuple(values["size"]), "graphs": graphs})


TIME_IS_UP = "the time for the benchmark was up"


def run_task(
    task: Task, environment: Mapping[str, str], seconds: Optional[float] = None
) -> Dict[str, Any]:
    """Run `task` in a process of its own: its figures, or `{"reason": ...}` when it cannot run.

    What it takes down with it, memory or a library that crashes, is then no other part's loss.
    After `seconds` it is ended, with the processes that it started.
    """
    if seconds is not None and seconds <= 0:
        return {"reason": TIME_IS_UP}
    with tempfile.TemporaryDirectory() as name:
        result, log = Path(name) / "result.json", Path(name) / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.gpu.part", task.to_json(), str(result)],
                cwd=ROOT,
                env={**os.environ, **environment},
                stderr=errors,
                start_new_session=True,
            )
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                return {"reason": TIME_IS_UP}
            finally:
                # Also when this process is interrupted.
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        if code == 0:
            figures: Dict[str, Any] = json.loads(result.read_text())
            return figures
        lines = log.read_text(errors="replace").strip().splitlines()
    if code < 0:
        return {"reason": f"its process was ended by signal {-code}"}
    return {"reason": lines[-1] if lines else f"its process ended with exit code {code}"}
