"""The engines folder: which graphs are in it, and which of them painting takes by default."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterator, Mapping, Tuple

from runtime.errors import GraphMismatch, GraphMissing
from runtime.files import atomic_write
from runtime.spec.graphs import (
    GraphKind,
    GraphSpec,
    faces_graph,
    features_graph,
    gatys_graph,
    generator_graph,
    generators_in,
    sketch_graph,
    style_vector_graph,
)
from runtime.spec.vgg import CLASSIC, DEEP, OBJECTIVES, POOLINGS, VGG19, WEIGHT_SETS, Objective

#: Where graphs and engines are unless the caller names another folder.
DEFAULT_ENGINES = Path(__file__).resolve().parent.parent.parent / "engines"

#: Which weight set `auto` stands for, as JSON: `{"vgg": "vgg19"}`.
WEIGHTS_FILE = "weights.json"

#: The weights, by their name in `make weights`, without which a graph is not written.
_DOWNLOADED: Mapping[GraphKind, str] = {
    GraphKind.FACES: "faces",
    GraphKind.STYLE_VECTOR: "sketch",
    GraphKind.SKETCH: "sketch",
}


def onnx_path(graph: GraphSpec, folder: Path) -> Path:
    """The graph's ONNX file in `folder`; raises `GraphMissing` if it does not exist."""
    path = folder / graph.onnx_file
    if not path.exists():
        weights = _DOWNLOADED.get(graph.kind)
        cure = f"make weights onnx WEIGHTS={weights}" if weights else "make onnx"
        raise GraphMissing(f"{path} does not exist. Run `{cure}`, which writes it.")
    return path


def graphs_in(folder: Path) -> Tuple[GraphSpec, ...]:
    """The graphs whose ONNX files are in `folder`, sorted by name."""
    known = (*_vgg_graphs(), faces_graph(), style_vector_graph(), sketch_graph())
    graphs = [each for each in known if (folder / each.onnx_file).exists()]
    graphs += [generator_graph(name) for name in generators_in(folder)]
    return tuple(sorted(graphs, key=lambda graph: graph.name))


def best_objective(folder: Path, weights: str) -> Objective:
    """`DEEP` where its graphs with these weights are in `folder`, else `CLASSIC`."""
    deep = folder / gatys_graph(DEEP, POOLINGS[0], weights).onnx_file
    return DEEP if deep.exists() else CLASSIC


def record_weights(folder: Path, weights: str) -> None:
    """Make `weights`, one of `WEIGHT_SETS`, what `auto` stands for in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / WEIGHTS_FILE) as file:
        file.write(json.dumps({"vgg": weights}).encode() + b"\n")


def recorded_weights(folder: Path) -> str:
    """The weight set that `auto` stands for in `folder`; Oxford's if none is recorded.

    Raises `GraphMismatch` if the file is damaged or names a set that this version does not know.
    """
    path = folder / WEIGHTS_FILE
    if not path.exists():
        return VGG19
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        name = json.loads(text)["vgg"]
    except (ValueError, TypeError, KeyError):
        name = None
    if name not in WEIGHT_SETS:
        raise GraphMismatch(
            f"{path} holds {text.strip()!r}; expected the name of a weight set, one of "
            f"{', '.join(WEIGHT_SETS)}. Run `make onnx` to write it again."
        )
    return str(name)


def _vgg_graphs() -> Iterator[GraphSpec]:
    for weights in WEIGHT_SETS:
        for objective in OBJECTIVES.values():
            for pooling in POOLINGS:
                yield features_graph(objective, pooling, weights)
                yield gatys_graph(objective, pooling, weights)
