"""`python -m export.engines.work FOLDER GRAPH...` prints what the graphs compute for each pixel.

It runs in a process of its own, which gives back the memory of the graphs when it ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, List, Sequence

from export.engines.job import graph_named
from runtime.spec.graphs import GraphSpec

#: The size at which a graph is counted: its work is proportional to the pixels.
_SIZE = (256, 256)


@dataclass(frozen=True)
class Work:
    """What one run of a graph computes for each pixel, and the bytes of its weights in FP16."""

    gflop_per_pixel: float
    weights: int


def work_of(graphs: Sequence[GraphSpec], folder: Path) -> Dict[str, Work]:
    """The work of the graphs in `folder`, by name, counted in a process of its own.

    It is empty if a graph cannot be read: its build will give the reason.
    """
    command = [sys.executable, "-m", "export.engines.work", str(folder)]
    done = subprocess.run(
        [*command, *(each.name for each in graphs)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        return {}
    return {name: Work(**values) for name, values in json.loads(done.stdout).items()}


def main(arguments: List[str]) -> int:
    """Print the work of graphs as JSON."""
    # Imported here: the process of `make engines` waits beside TensorRT's and must stay small.
    import onnx

    from export.graphs.cost import cost_of
    from export.graphs.specialise import fixed

    folder = Path(arguments[0])
    found = {}
    for name in arguments[1:]:
        graph = graph_named(name, folder)
        cost = cost_of(fixed(onnx.load(str(folder / graph.onnx_file)), graph, _SIZE))
        pixels = _SIZE[0] * _SIZE[1]
        found[name] = asdict(Work(cost.gflop / pixels, cost.weights))
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
