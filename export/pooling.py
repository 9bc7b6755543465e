"""The backward passes of 2x2 pooling, for any height and width.

A pooling drops the last row or column of an odd side; its gradient there is zero. Sizes are known
only at run time, so the zeros are appended always and what is too much is sliced off again.
"""

from __future__ import annotations

from typing import Sequence

from export.graph import GraphBuilder


def unpool_average(graph: GraphBuilder, gradient: str, features: str, name: str) -> str:
    """Emit the gradient with respect to `features`, 4 times too large: every pixel its window's.

    The caller scales by 1/4 where it costs nothing. `gradient` is [1, C, H // 2, W // 2], the
    result has the shape of `features`, [1, C, H, W].
    """
    size = _spatial(graph, features, f"{name}/size")
    half = graph.node("Add", [size, graph.integers(1, 1)], f"{name}/size_plus_1")
    half = graph.node("Div", [half, graph.integers(2, 2)], f"{name}/half")
    padded = _crop(graph, _append_zeros(graph, gradient, name), half, f"{name}/half_size")
    doubled = graph.node(
        "Resize",
        [padded, graph.no_roi(), graph.floats(1.0, 1.0, 2.0, 2.0)],
        f"{name}/doubled",
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return _crop(graph, doubled, size, name)


def unpool_max(graph: GraphBuilder, gradient: str, features: str, name: str) -> str:
    """Emit the gradient with respect to `features`: each window's goes to its first maximum.

    The windows' corners are strided slices of one tensor: a comparison with the pooled maximum
    fails in an engine that keeps the two in different precisions. Ties are common (flat regions,
    bfloat16), and the first in reading order takes all, as in torch.
    """
    pooled = _spatial(graph, gradient, f"{name}/pooled_size")
    ends = graph.node("Mul", [pooled, graph.integers(2, 2)], f"{name}/even_size")
    a, b, c, d = (
        graph.slice(
            features, f"{name}/corner", starts=[row, column], ends=ends, axes=[2, 3], steps=[2, 2]
        )
        for row in (0, 1)
        for column in (0, 1)
    )
    upper = graph.node("Max", [a, b], f"{name}/upper")
    lower = graph.node("Max", [c, d], f"{name}/lower")
    upper_gradient, lower_gradient = _choose(graph, upper, lower, gradient, f"{name}/row")
    corners = [
        *_choose(graph, a, b, upper_gradient, f"{name}/upper_column"),
        *_choose(graph, c, d, lower_gradient, f"{name}/lower_column"),
    ]
    stacked = graph.node("Concat", corners, f"{name}/stacked", axis=1)
    even = graph.node("DepthToSpace", [stacked], f"{name}/even", blocksize=2, mode="DCR")
    size = _spatial(graph, features, f"{name}/size")
    return _crop(graph, _append_zeros(graph, even, name), size, name)


def _choose(
    graph: GraphBuilder, first: str, second: str, gradient: str, name: str
) -> Sequence[str]:
    """Emit the gradient where `first` is at least `second`, and where `second` is larger."""
    zero = graph.floats(0.0)
    later = graph.node("Less", [first, second], f"{name}_later")
    return (
        graph.node("Where", [later, zero, gradient], f"{name}_first"),
        graph.node("Where", [later, gradient, zero], f"{name}_second"),
    )


def _append_zeros(graph: GraphBuilder, value: str, name: str) -> str:
    """Emit `value` with a row and a column of zeros more."""
    for axis, side in ((2, "row"), (3, "column")):
        line = graph.slice(
            value, f"{name}/first_{side}", starts=[0], ends=graph.integers(1), axes=[axis]
        )
        zeros = graph.node("Mul", [line, graph.floats(0.0)], f"{name}/zero_{side}")
        value = graph.node("Concat", [value, zeros], f"{name}/with_{side}", axis=axis)
    return value


def _crop(graph: GraphBuilder, value: str, size: str, name: str) -> str:
    return graph.slice(value, name, starts=[0, 0], ends=size, axes=[2, 3])


def _spatial(graph: GraphBuilder, value: str, name: str) -> str:
    """Emit the height and width of `value` as an int64 [2]."""
    shape = graph.node("Shape", [value], f"{name}_shape")
    return graph.slice(shape, name, starts=[2], ends=graph.integers(4), axes=[0])
