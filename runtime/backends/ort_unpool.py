"""The way back through a max pooling in one operator, for ONNX Runtime.

The graphs write it with 56, as TensorRT has no MaxUnpool. That through an average pooling, of 13,
takes no longer than a Resize does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

from runtime.backends.base import import_onnx
from runtime.spec.graphs import INPUT_GRADIENT, POOLED, UNPOOLED


def with_short_ways_back(path: Path) -> bytes:
    """Read a gatys graph with max pooling and write it again with MaxUnpool.

    Raises `BackendUnavailable` without onnx, and onnx's own exceptions for a file that is no model.
    """
    onnx = import_onnx()
    model = onnx.load(str(path))
    values = [node.output[0] for node in model.graph.node]
    for layer in [each[: -len(POOLED)] for each in values if each.endswith(POOLED)]:
        pool = next(node for node in model.graph.node if node.output[0] == layer + POOLED)
        _replace(model.graph, layer + UNPOOLED, _way_back(onnx, pool, layer))
    serialized: bytes = model.SerializeToString()
    return serialized


def _way_back(onnx: Any, pool: Any, layer: str) -> List[Any]:
    """Each gradient to where its maximum stood, as the pooling itself tells: the first, as wanted."""
    pool.output.append(f"{layer}{POOLED}/places")
    shape = onnx.helper.make_node("Shape", [pool.input[0]], [f"{layer}{UNPOOLED}/shape"])
    unpool = onnx.helper.make_node(
        "MaxUnpool",
        [layer + INPUT_GRADIENT, pool.output[1], shape.output[0]],
        [layer + UNPOOLED],
        kernel_shape=[2, 2],
        strides=[2, 2],
    )
    return [shape, unpool]


def _replace(graph: Any, prefix: str, nodes: List[Any]) -> None:
    """Put `nodes` where those stand whose values' names begin so; the last gives the same value."""
    old = [place for place, node in enumerate(graph.node) if node.output[0].startswith(prefix)]
    nodes[-1].output[0] = graph.node[old[-1]].output[0]
    everything = list(graph.node)
    del graph.node[:]
    graph.node.extend(everything[: old[0]] + nodes + everything[old[-1] + 1 :])
