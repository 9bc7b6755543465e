"""The way back through a pooling in an operator or two, for ONNX Runtime.

The graphs write it with 13 (average) or 56 (maximum), as TensorRT has no MaxUnpool and their sizes
are open. ONNX Runtime has MaxUnpool, and a session has one size.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import numpy as np

from runtime.backends.base import import_onnx
from runtime.spec import INPUT_GRADIENT, POOLED, UNPOOLED, stride_of


def with_short_ways_back(path: Path, *, height: int, width: int) -> bytes:
    """Read a gatys graph and write it again for one size of picture, with short ways back.

    Raises `BackendUnavailable` without onnx, and onnx's own exceptions for a file that is no model.
    """
    onnx = import_onnx()
    model = onnx.load(str(path))
    values = [node.output[0] for node in model.graph.node]
    for layer in [each[: -len(POOLED)] for each in values if each.endswith(POOLED)]:
        pool = next(node for node in model.graph.node if node.output[0] == layer + POOLED)
        if pool.op_type == "MaxPool":
            nodes = _of_max(onnx, pool, layer)
        else:
            # The features that are pooled stand one block below the layer.
            stride = stride_of(layer) // 2
            odd = [side // stride % 2 for side in (height, width)]
            nodes = _of_average(onnx, model.graph, layer, odd)
        _replace(model.graph, layer + UNPOOLED, nodes)
    serialized: bytes = model.SerializeToString()
    return serialized


def _of_max(onnx: Any, pool: Any, layer: str) -> List[Any]:
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


def _of_average(onnx: Any, graph: Any, layer: str, odd: List[int]) -> List[Any]:
    """Each gradient to all four pixels of its window, and zeros to an odd last row or column."""
    prefix = layer + UNPOOLED
    # Opset 11 wants the empty region of interest too.
    roi = _constant(onnx, graph, f"{prefix}/roi", np.zeros(0, np.float32))
    scales = _constant(onnx, graph, f"{prefix}/scales", np.array([1, 1, 2, 2], np.float32))
    doubled = onnx.helper.make_node(
        "Resize",
        [layer + INPUT_GRADIENT, roi, scales],
        [f"{prefix}/doubled"],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    if not any(odd):
        return [doubled]
    pads = _constant(onnx, graph, f"{prefix}/pads", np.array([0] * 6 + odd, np.int64))
    return [doubled, onnx.helper.make_node("Pad", [doubled.output[0], pads], [prefix])]


def _replace(graph: Any, prefix: str, nodes: List[Any]) -> None:
    """Put `nodes` where those stand whose values' names begin so; the last gives the same value."""
    old = [place for place, node in enumerate(graph.node) if node.output[0].startswith(prefix)]
    nodes[-1].output[0] = graph.node[old[-1]].output[0]
    everything = list(graph.node)
    del graph.node[:]
    graph.node.extend(everything[: old[0]] + nodes + everything[old[-1] + 1 :])


def _constant(onnx: Any, graph: Any, name: str, value: np.ndarray) -> str:
    graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    return name
