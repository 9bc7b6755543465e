"""The backward pass of max pooling as one operator, for ONNX Runtime.

The graphs use 56 operators for it, as TensorRT has no MaxUnpool. That of average pooling needs no
replacement: its 13 operators take no longer than one Resize.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

from runtime.backends.base import import_onnx
from runtime.spec.graphs import INPUT_GRADIENT, POOLED, UNPOOLED


def with_max_unpool(path: Path) -> bytes:
    """A gatys graph with max pooling, its backward passes replaced by MaxUnpool, serialised.

    Raises `BackendUnavailable` without onnx, and onnx's own exceptions for a file that is no model.
    """
    onnx = import_onnx()
    model = onnx.load(str(path))
    values = [node.output[0] for node in model.graph.node]
    for layer in [each[: -len(POOLED)] for each in values if each.endswith(POOLED)]:
        pool = next(node for node in model.graph.node if node.output[0] == layer + POOLED)
        _replace(model.graph, layer + UNPOOLED, _max_unpool(onnx, pool, layer))
    serialized: bytes = model.SerializeToString()
    return serialized


def _max_unpool(onnx: Any, pool: Any, layer: str) -> List[Any]:
    """The nodes that put each gradient where the pooling found its maximum, the first of equals."""
    pool.output.append(f"{layer}{POOLED}/indices")
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
    """Replace the nodes whose outputs' names start with `prefix`; the last output keeps its name."""
    old = [index for index, node in enumerate(graph.node) if node.output[0].startswith(prefix)]
    nodes[-1].output[0] = graph.node[old[-1]].output[0]
    everything = list(graph.node)
    del graph.node[:]
    graph.node.extend(everything[: old[0]] + nodes + everything[old[-1] + 1 :])
