"""The backward passes of 2x2 pooling, for any height and width.

A pooling ignores the last row or column of an odd side: the gradient there is zero. As sizes are
known only at run time, zeros are always appended, and sliced off again where the side is even.
"""

from __future__ import annotations

import numpy as np

from export.graphs.builder import GraphBuilder

#: The longest side of a picture that `unpool_max` works for: the length of its constants.
LONGEST_SIDE = 16384


def unpool_average(graph: GraphBuilder, gradient: str, features: str, name: str) -> str:
    """Emit 4 times the gradient with respect to `features`: each pixel gets its window's gradient.

    The caller multiplies by 1/4 where that costs nothing. `gradient` is [1, C, H // 2, W // 2], the
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
    """Emit the gradient with respect to `features`: the first maximum of a window gets all of it.

    Ties are common (flat regions, bfloat16); the first in reading order takes all, as in torch.
    `gradient` is [1, C, H // 2, W // 2], the result has the shape of `features`, [1, C, H, W].
    """
    winners = unpool_average(graph, _winners(graph, gradient, features, name), features, name)
    places = graph.node("Equal", [winners, _places(graph, features, name)], f"{name}/places")
    spread = unpool_average(graph, gradient, features, f"{name}/spread")
    chosen = graph.node("Cast", [places], f"{name}/chosen", to=graph.float_type)
    return graph.node("Mul", [spread, chosen], f"{name}/gradient")


def _winners(graph: GraphBuilder, gradient: str, features: str, name: str) -> str:
    """Emit the position of each window's first maximum, in float32: 1, 2 above, 3, 4 below.

    The windows' corners are strided slices of one tensor. Comparing features with the pooled maximum
    fails in an engine that keeps these two in different precisions.
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
    right_above = _less(graph, a, b, f"{name}/right_above")
    right_below = _less(graph, c, d, f"{name}/right_below")
    below = _less(graph, upper, lower, f"{name}/below")
    difference = graph.node("Sub", [right_below, right_above], f"{name}/difference")
    below_by = graph.node("Add", [difference, graph.floats(2.0)], f"{name}/below_by")
    shift = graph.node("Mul", [below, below_by], f"{name}/shift")
    above = graph.node("Add", [right_above, graph.floats(1.0)], f"{name}/above")
    return graph.node("Add", [above, shift], f"{name}/winner")


def _places(graph: GraphBuilder, features: str, name: str) -> str:
    """Emit the pattern 1 2 1 2 ... over 3 4 3 4 ..., as [1, 1, H, W] of `features`."""
    even_odd = (np.arange(LONGEST_SIDE) % 2).astype(np.float32)
    rows = graph.constant("pattern_of_rows", 1 + 2 * even_odd.reshape(1, 1, -1, 1))
    columns = graph.constant("pattern_of_columns", even_odd.reshape(1, 1, 1, -1))
    size = _spatial(graph, features, f"{name}/pattern_size")
    high = graph.slice(size, f"{name}/height", starts=[0], ends=graph.integers(1), axes=[0])
    wide = graph.slice(size, f"{name}/width", starts=[1], ends=graph.integers(2), axes=[0])
    rows = graph.slice(rows, f"{name}/rows", starts=[0], ends=high, axes=[2])
    columns = graph.slice(columns, f"{name}/columns", starts=[0], ends=wide, axes=[3])
    return graph.node("Add", [rows, columns], f"{name}/pattern")


def _less(graph: GraphBuilder, first: str, second: str, name: str) -> str:
    less = graph.node("Less", [first, second], f"{name}_less")
    return graph.node("Cast", [less], name, to=graph.float_type)


def _append_zeros(graph: GraphBuilder, value: str, name: str) -> str:
    """Emit `value` with a row and a column of zeros appended."""
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
