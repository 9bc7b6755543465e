"""Which engines are built, stale or missing, for `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Tuple

from runtime.backends.trt_device import import_vendors, open_device
from runtime.backends.trt_plan import host_of, read_plan
from runtime.errors import GraphMissing, StaleEngine
from runtime.spec.engines import Size, engine_sizes, planned_sizes
from runtime.spec.graphs import GraphSpec


@dataclass(frozen=True)
class Survey:
    """The sizes of one graph's engines: built for this machine, stale with the reason, missing."""

    built: Tuple[Size, ...]
    stale: Dict[Size, str]
    missing: Tuple[Size, ...]


def survey(graph: GraphSpec, folder: Path) -> Survey:
    """Check the plans of `graph` in `folder` against this machine, without loading them.

    Raises `BackendUnavailable` where TensorRT, pycuda or the GPU is missing.
    """
    tensorrt, cuda = import_vendors()
    here = host_of(tensorrt, open_device(cuda))
    stale: Dict[Size, str] = {}
    built, missing = [], []
    for size in dict.fromkeys(engine_sizes(graph) + planned_sizes(graph, folder)):
        try:
            read_plan(graph, size, folder, here)
            built.append(size)
        except StaleEngine as error:
            stale[size] = str(error)
        except GraphMissing:
            missing.append(size)
    return Survey(tuple(built), stale, tuple(missing))
