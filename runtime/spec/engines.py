"""TensorRT engines, each for one picture size: their file names and records."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Tuple

from runtime.spec.graphs import GraphSpec

#: Width and height in pixels, in Pillow's order.
Size = Tuple[int, int]

#: TensorRT's measurements, which speed up later builds on the same machine.
TIMING_CACHE_FILE = "timing.cache"


def engine_stem(graph: GraphSpec, size: Size) -> str:
    """The start of an engine's file names, such as `gatys-deep-average-vgg19-384x288`."""
    return f"{graph.name}-{size[0]}x{size[1]}"


def plan_file(graph: GraphSpec, size: Size) -> str:
    """The file name of an engine in the engines folder."""
    return engine_stem(graph, size) + ".plan"


def sidecar_file(graph: GraphSpec, size: Size) -> str:
    """The file name of an engine's `EngineRecord`, as JSON."""
    return engine_stem(graph, size) + ".json"


def reference_file(graph: GraphSpec, size: Size) -> str:
    """The file name of the inputs and float32 outputs that an engine is tested with."""
    return engine_stem(graph, size) + ".reference.npz"


def planned_sizes(graph: GraphSpec, folder: Path) -> Tuple[Size, ...]:
    """The sizes of the plans of `graph` in `folder`, smallest first."""
    name = re.compile(re.escape(graph.name) + r"-(\d+)x(\d+)\.plan")
    matches = (name.fullmatch(path.name) for path in folder.glob("*.plan"))
    return tuple(sorted((int(each[1]), int(each[2])) for each in matches if each))


@dataclass(frozen=True)
class EngineHost:
    """What a plan is bound to: it loads under the very same versions on the same device only.

    `bindings` is the version of the Python module, such as `8.2.1.8`; `library` is that of
    libnvinfer, such as `8201`; `capability` is such as `5.3`; `l4t` is the Jetson's release, such
    as `R32.6.1`, and empty elsewhere.
    """

    bindings: str
    library: str
    capability: str
    device: str
    l4t: str

    def differences(self, here: EngineHost) -> Tuple[str, ...]:
        """What differs `here`, in words."""
        names = (each.name for each in fields(self))
        pairs = ((name, getattr(self, name), getattr(here, name)) for name in names)
        return tuple(f"{name} {was!r}, now {now!r}" for name, was, now in pairs if was != now)


@dataclass(frozen=True)
class EngineRecord:
    """The content of a sidecar: what the plan was built from and for, its size and its sha256.

    `precision` is one of the builder's precision plans; `key` is the sum over all that the plan
    depends on; `seconds` is how long the build took.
    """

    key: str
    onnx_sha256: str
    host: EngineHost
    precision: str
    workspace_mib: int
    revision: int
    plan_bytes: int
    plan_sha256: str
    seconds: float

    def to_json(self) -> str:
        """The sidecar's text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> EngineRecord:
        """Parse a sidecar's text; raises `ValueError` for anything that `to_json` did not write."""
        values = json.loads(text)
        try:
            host = EngineHost(**values.pop("host"))
            return cls(host=host, **values)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not an engine's sidecar: {error}") from error
