"""Makes an ONNX model's picture size a fixed one, and its arithmetic on shapes constants.

An engine is built from the result: it computes no shape while it runs, and where the sides are
even, it lacks the rows that a pooling's gradient appends and slices off again.

Not onnx-graphsurgeon 0.6.1, tried with onnx 1.17 and 1.23: one pass of its `fold_constants` leaves
134 nodes of gatys-classic-average where this leaves 118. With shape inference and `_shorten` around
several passes it gives the same nodes and bits, but copies all weights in each: 925 MiB and 4.0 s
for gatys-deep-average, here 455 MiB and 0.7 s. A Jetson Nano has neither to spare.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Sequence, Set, Tuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

from export.errors import ExportError
from runtime.spec.engines import Size
from runtime.spec.graphs import GraphSpec, Shape

_SLICE_INPUTS = ("data", "starts", "ends", "axes", "steps")

#: Constants of up to so many bytes may be shapes; larger ones are weights.
_SMALL = 1024


def fixed(model: onnx.ModelProto, graph: GraphSpec, size: Size) -> onnx.ModelProto:
    """A copy of `model` that takes pictures of `size` (width, height) only.

    Raises `ExportError` if its inputs are not those of `graph`.
    """
    width, height = size
    shapes = graph.input_shapes(height, width)
    found = [each.name for each in model.graph.input]
    if set(found) != set(shapes):
        raise ExportError(
            f"{graph.name} has the inputs {', '.join(found)}; this version expects "
            f"{', '.join(shapes)}. Run `make onnx` to write it again."
        )
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for value in result.graph.input:
        _set_shape(value, shapes[value.name])
    output_shapes = {each.name: each.resolve(height, width) for each in graph.outputs}
    for value in result.graph.output:
        _set_shape(value, output_shapes[value.name])
    _fold(result)
    _shorten(result)
    _drop_unused(result)
    inferred(result)
    return result


def inferred(model: onnx.ModelProto) -> Dict[str, onnx.TypeProto.Tensor]:
    """The type of every value of `model`, and the known dimensions of its shape.

    Raises `onnx.checker.ValidationError` for a model that is not well formed.
    """
    light = _without_weights(model)
    onnx.checker.check_model(light)
    graph = onnx.shape_inference.infer_shapes(light, strict_mode=True, data_prop=True).graph
    types = {
        value.name: value.type.tensor_type
        for value in (*graph.input, *graph.output, *graph.value_info)
    }
    for each in graph.initializer:
        info = helper.make_tensor_value_info(each.name, each.data_type, list(each.dims))
        types[each.name] = info.type.tensor_type
    return types


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model` with its large constants as inputs: it is copied several times."""
    light = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    graph = light.graph
    graph.name = model.graph.name
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    for each in model.graph.initializer:
        if each.ByteSize() <= _SMALL:
            graph.initializer.append(each)
        else:
            info = helper.make_tensor_value_info(each.name, each.data_type, list(each.dims))
            graph.input.append(info)
    return light


def known_shapes(model: onnx.ModelProto) -> Dict[str, Shape]:
    """The shapes of the values of `model` all of whose dimensions are known."""
    shapes = {}
    for name, tensor in inferred(model).items():
        dims = tensor.shape.dim
        if tensor.HasField("shape") and all(each.HasField("dim_value") for each in dims):
            shapes[name] = tuple(each.dim_value for each in dims)
    return shapes


def _set_shape(value: onnx.ValueInfoProto, shape: Shape) -> None:
    del value.type.tensor_type.shape.dim[:]
    for dim in shape:
        value.type.tensor_type.shape.dim.add().dim_value = dim


def _fold(model: onnx.ModelProto) -> None:
    """Replace by constants what depends on the picture's size only.

    After each round more shapes are known; the last one finds nothing to fold.
    """
    graph = model.graph
    while True:
        shapes = known_shapes(model)
        folded: List[onnx.NodeProto] = []
        known = {each.name for each in graph.initializer}
        for node in graph.node:
            if node.op_type == "Shape" and node.input[0] in shapes:
                shape = np.array(shapes[node.input[0]], np.int64)
                graph.initializer.append(numpy_helper.from_array(shape, node.output[0]))
                known.add(node.output[0])
            elif all(name in known or not name for name in node.input):
                folded.append(node)
                known.update(node.output)
        if folded:
            graph.initializer.extend(_computed(model, folded))
        kept = [n for n in graph.node if not set(n.output) <= known]
        if len(kept) == len(graph.node):
            return
        del graph.node[:]
        graph.node.extend(kept)


def _computed(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> List[onnx.TensorProto]:
    """The values of constant nodes, computed by ONNX Runtime."""
    import onnxruntime

    names = [name for node in nodes for name in node.output]
    used = {name for node in nodes for name in node.input}
    constants = [each for each in model.graph.initializer if each.name in used]
    outputs = [onnx.ValueInfoProto(name=name) for name in names]
    part = helper.make_graph(nodes, "constants", [], outputs, constants)
    # Not `make_model`, whose newest IR version an older ONNX Runtime refuses.
    whole = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    whole.graph.CopyFrom(part)
    session = onnxruntime.InferenceSession(
        whole.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    values = session.run(names, {})
    return [numpy_helper.from_array(np.asarray(v), n) for n, v in zip(names, values)]


def _shorten(model: onnx.ModelProto) -> None:
    """Slice a concatenation's first input directly where it suffices; drop slices of everything."""
    graph = model.graph
    shapes = known_shapes(model)
    constants = {each.name: each for each in graph.initializer}
    made = {name: node for node in graph.node for name in node.output}
    outputs = {each.name for each in graph.output}
    same: Dict[str, str] = {}
    for node in graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
        if node.op_type != "Slice":
            continue
        box = _leading_box(node, constants, shapes)
        source = made.get(node.input[0])
        while box and source is not None and source.op_type == "Concat":
            first = source.input[0]
            if any(size > limit for size, limit in zip(box, shapes[first])):
                break
            node.input[0] = first
            source = made.get(first)
        if box and box == shapes[node.input[0]] and node.output[0] not in outputs:
            same[node.output[0]] = node.input[0]


def _leading_box(
    node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto], shapes: Mapping[str, Shape]
) -> Shape:
    """The result's shape of a `Slice` that starts at 0 on every axis; empty for another slice."""
    values = {
        role: numpy_helper.to_array(constants[name])
        for role, name in zip(_SLICE_INPUTS, node.input)
        if name in constants and role != "data"
    }
    if len(values) != len(node.input) - 1:
        return ()
    if np.any(values["starts"] != 0) or np.any(values.get("steps", np.ones(1)) != 1):
        return ()
    return shapes.get(node.output[0], ())


def _drop_unused(model: onnx.ModelProto) -> None:
    """Remove the nodes and constants that no output depends on."""
    graph = model.graph
    needed: Set[str] = {each.name for each in graph.output}
    kept: List[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed.update(node.input)
            kept.append(node)
    constants: Tuple[onnx.TensorProto, ...] = tuple(
        each for each in graph.initializer if each.name in needed
    )
    del graph.node[:]
    graph.node.extend(reversed(kept))
    del graph.initializer[:]
    graph.initializer.extend(constants)
    del graph.value_info[:]
