"""Which engines are built, stale or missing, for `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Tuple

from runtime.backends.trt_device import import_vendors, open_device
from runtime.backends.trt_plan import host_of, read_plan
from runtime.errors import GraphMissing, StaleEngine
from runtime.spec.engine_sizes import Device, graph_sizes
from runtime.spec.engines import Size, planned_sizes
from runtime.spec.graphs import GraphSpec
from runtime.spec.vgg import Objective


@dataclass(frozen=True)
class Survey:
    """The sizes of one graph's engines: built for this machine, stale with the reason, missing."""

    built: Tuple[Size, ...]
    stale: Dict[Size, str]
    missing: Tuple[Size, ...]


def survey(graph: GraphSpec, coarse: Objective, folder: Path) -> Survey:
    """Check the plans of `graph` in `folder` against this machine, without loading them.

    `coarse` is the objective of the coarse stage.
    Raises `BackendUnavailable` where TensorRT, pycuda or the GPU is missing.
    """
    tensorrt, cuda = import_vendors()
    gpu = open_device(cuda)
    here = host_of(tensorrt, gpu)
    wanted = graph_sizes(graph, coarse, Device.of(here, gpu.memory_mib))
    stale: Dict[Size, str] = {}
    built, missing = [], []
    for size in dict.fromkeys(wanted + planned_sizes(graph, folder)):
        try:
            read_plan(graph, size, folder, here)
            built.append(size)
        except StaleEngine as error:
            stale[size] = str(error)
        except GraphMissing:
            missing.append(size)
    return Survey(tuple(built), stale, tuple(missing))
