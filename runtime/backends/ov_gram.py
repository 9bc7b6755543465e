"""Gram differences that bfloat16 does not blur, for OpenVINO.

In bfloat16 a matrix product's sums are float32, but its result is rounded to eight bits, the Gram
matrix G = f f^T before its target T is taken away: near the solution little but rounding is left
of G - T, and with it the line search fails. So the difference is made within the product, as
[f, T] [f, -I]^T, with T cut into parts that are bfloat16 numbers.

Where G is within 0.1 % of T, the difference's relative error is then 0.002 instead of 1.4. At 192 px
and a user's weights, a descent of the classic objective ends within 0.1 % of float32's loss after up
to 90 evaluations, though the gradient's cosine to the exact one falls to between 0.6 and 0.9 on the
way. A descent of the deep objective ends up to 1.8 % above it, the worst of six cases; that is within
its own spread: in float32, starts that differ by 1e-3 end 0.2 to 1.7 % apart. With hundreds of times
that style weight, starts from noise end at 0.97 to 1.09 times float32's loss, 1.02 on average: the
course is then chaotic, and a picture that was not rounded ended no lower.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

#: With three, T keeps all of float32's 24 bits.
PARTS = 3


def fold_differences(model: Any) -> Tuple[str, ...]:
    """Fold the subtraction in each MatMul - parameter of an openvino.Model into the product.

    A parameter T of [C, C] becomes one of [C, PARTS C], which takes `parts_of(T)`. Returns the names
    of these parameters.
    """
    found = [each for each in map(_difference, model.get_parameters()) if each is not None]
    for parameter, difference in found:
        _rewrite(model, parameter, difference)
    model.validate_nodes_and_infer_types()
    return tuple(parameter.output(0).any_name for parameter, _ in found)


def parts_of(target: np.ndarray) -> np.ndarray:
    """Split float32 [C, C] into `PARTS` addends side by side, each exact in bfloat16."""
    parts: List[np.ndarray] = []
    rest = np.ascontiguousarray(target)
    for _ in range(PARTS):
        bits = rest.view(np.uint32) & np.uint32(0xFFFF0000)
        parts.append(bits.view(np.float32))
        rest = rest - parts[-1]
    return np.concatenate(parts, axis=1)


def _difference(parameter: Any) -> Any:
    """`parameter` and the node that subtracts it from a product; `None` without such a node."""
    for each in parameter.output(0).get_target_inputs():
        node = each.get_node()
        if node.get_type_name() == "Subtract" and each.get_index() == 1:
            product = node.input_value(0).get_node()
            if product.get_type_name() == "MatMul":
                return parameter, node
    return None


def _rewrite(model: Any, parameter: Any, difference: Any) -> None:
    from openvino import opset8 as opset

    product = difference.input_value(0).get_node()
    left, right = product.input_value(0), product.input_value(1)
    name = parameter.output(0).any_name
    channels = parameter.get_output_shape(0)[0]
    minus = np.concatenate([-np.eye(channels, dtype=np.float32)] * PARTS, axis=1)
    parts = opset.parameter([channels, PARTS * channels], np.float32, name=name)
    model.add_parameters([parts])
    # OpenVINO's reader may have folded a Transpose of f into the product.
    right_transposed = product.get_attributes()["transpose_b"]
    within = opset.matmul(
        opset.concat([left, parts.output(0)], 1),
        opset.concat(
            [right, opset.constant(minus if right_transposed else minus.T)], int(right_transposed)
        ),
        False,
        right_transposed,
    )
    difference.output(0).replace(within.output(0))
    model.remove_parameter(parameter)
    parts.output(0).set_names({name})


class SplitTargets:
    """Splits the named targets among feeds, again only when a target has changed since the last run."""

    def __init__(self, names: Tuple[str, ...] = ()) -> None:
        # Each target of the last run, with its parts.
        self._known: Dict[str, Optional[Tuple[np.ndarray, np.ndarray]]] = dict.fromkeys(names)

    def split(self, feeds: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
        """The feeds with their targets in parts."""
        return {
            name: self._parts(name, each) if name in self._known else each
            for name, each in feeds.items()
        }

    def _parts(self, name: str, target: np.ndarray) -> np.ndarray:
        known = self._known[name]
        # Compared by value: the caller may have written into the same array.
        if known is None or not np.array_equal(known[0], target):
            self._known[name] = known = target.copy(), parts_of(target)
        return known[1]
