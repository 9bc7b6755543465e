"""The job that the processes of a build pass on: one engine, its files, and the key of its plan."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from export.errors import ExportError
from runtime.spec.engines import (
    TIMING_CACHE_FILE,
    EngineHost,
    Size,
    engine_stem,
    plan_file,
    reference_file,
    sidecar_file,
)
from runtime.spec.folder import graphs_in
from runtime.spec.graphs import GraphSpec

#: Part of every key. Raise it when the builder changes, so that all engines are built again.
REVISION = 1

#: The precisions: FP16 with FP32 pins, for TensorRT up to 10; types in the ONNX file, for 11; and
#: the fallback when an FP16 engine fails its test.
PINNED, TYPED, FLOAT32 = "fp16-pinned", "fp16-typed", "float32"


@dataclass(frozen=True)
class Job:
    """One engine to build: a graph, a size, and how."""

    graph: GraphSpec
    size: Size
    folder: str
    onnx_sha256: str
    precision: str
    workspace_mib: int

    @property
    def name(self) -> str:
        """The start of its files' names."""
        return engine_stem(self.graph, self.size)

    @property
    def plan(self) -> Path:
        """The file of the engine."""
        return Path(self.folder) / plan_file(self.graph, self.size)

    @property
    def sidecar(self) -> Path:
        """The file of its `EngineRecord`."""
        return Path(self.folder) / sidecar_file(self.graph, self.size)

    @property
    def reference(self) -> Path:
        """The file of the inputs and float32 outputs that it is tested with; temporary."""
        return Path(self.folder) / reference_file(self.graph, self.size)

    @property
    def prepared(self) -> Path:
        """The ONNX file of fixed size that it is built from; temporary."""
        return Path(self.folder) / f"{self.name}.prepared.part"

    @property
    def pins(self) -> Path:
        """The names of the nodes `pinned` to float32 and of the others, `free`; temporary.

        `live_mib` beside them is the memory of the graph's activations.
        """
        return Path(self.folder) / f"{self.name}.pins.part"

    @property
    def timing_cache(self) -> Path:
        """TensorRT's measurements, which all builds share."""
        return Path(self.folder) / TIMING_CACHE_FILE

    def at(self, *, precision: str = "", workspace_mib: int = 0) -> Job:
        """The same job with another precision or workspace."""
        return replace(
            self,
            precision=precision or self.precision,
            workspace_mib=workspace_mib or self.workspace_mib,
        )

    def key(self, host: EngineHost) -> str:
        """The sha256 of everything that the plan depends on."""
        parts = {
            "onnx": self.onnx_sha256,
            "host": asdict(host),
            "precision": self.precision,
            "workspace": self.workspace_mib,
            "shapes": self.graph.input_shapes(self.size[1], self.size[0]),
            "revision": REVISION,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> str:
        """The job as an argument of a process."""
        return json.dumps({**vars(self), "graph": self.graph.name})

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read what `to_json` wrote; raises `ExportError` if the graph is not in its folder."""
        values = json.loads(text)
        graph = graph_named(values["graph"], Path(values["folder"]))
        return cls(**{**values, "graph": graph, "size": tuple(values["size"])})


def graph_named(name: str, folder: Path) -> GraphSpec:
    """The graph in `folder` that has this name; raises `ExportError` if there is none."""
    graphs = {each.name: each for each in graphs_in(folder)}
    if name not in graphs:
        raise ExportError(
            f"There is no graph {name!r}: {folder} holds no {name}.onnx, only "
            f"{', '.join(graphs) or 'nothing'}. `make weights` downloads the weights that graphs "
            "are written from."
        )
    return graphs[name]
