"""Reads CenterFace, the face detector, from the ONNX file that was published.

Xu, Yan, Yang, Luo, Li and He, "CenterFace: Joint Face Detection and Alignment Using Face as Point",
Scientific Programming, 2020. A MobileNetV2 without its last layers, a pyramid that doubles the size
three times, and one convolution for each output, at a quarter of the picture's height and width.

The file is a graph, not a table of tensors. Only the few operators that CenterFace has are admitted,
with the attributes that it gives them, and the shape of every value is followed, so that the graph
which is written from the result is sound. Nothing outside the file is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np
import onnx
from onnx import TensorProto, helper

from export.errors import CheckpointError
from export.sources.restricted_pickle import shown

#: The published file has 7.3 MB.
_MOST_BYTES = 32 << 20

#: The channels of the outputs, in the file's order: heat map, logarithms of the sizes, offsets, and
#: landmarks, which are not used.
_OUTPUT_CHANNELS = (1, 2, 2, 10)
_USED_OUTPUTS = 3

#: By how much the outputs, and the smallest features, are smaller than the picture.
_OUTPUT_STRIDE, _MOST_STRIDE = 4, 32

_PLAIN = {"Relu": 1, "Sigmoid": 1, "Add": 2}


@dataclass(frozen=True)
class Layer:
    """A node: `operator` is Conv, ConvTranspose, Relu, Add or Sigmoid.

    A convolution has float32 arrays: `weight` OIHW, or IOHW where it doubles the size, and `bias`
    [O]. Batch normalisation is part of them.
    """

    operator: str
    inputs: Tuple[str, ...]
    output: str
    weight: Optional[np.ndarray] = None
    bias: Optional[np.ndarray] = None
    stride: int = 1
    groups: int = 1


@dataclass(frozen=True)
class FaceDetector:
    """The layers in the order in which they run, and the names of the values at both ends.

    `image` is RGB in [0, 255]. `outputs` are the heat map, the logarithms of the sizes and the
    offsets.
    """

    layers: Tuple[Layer, ...]
    image: str
    outputs: Tuple[str, ...]

    def __str__(self) -> str:
        """The description in a report."""
        weights = [each.weight.size for each in self.layers if each.weight is not None]
        return f"CenterFace, {len(weights)} convolutions, {sum(weights) / 1e6:.2f} M weights"


def load_face_detector(path: Path) -> FaceDetector:
    """Read the detector in the ONNX file at `path`.

    Raises `CheckpointError` for a file that is missing, damaged, or of another network.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}.") from error
    try:
        return read_face_detector(_parsed(content))
    except CheckpointError as error:
        raise CheckpointError(f"{path.name} cannot be used: {error}.") from error


def read_face_detector(model: onnx.ModelProto) -> FaceDetector:
    """The detector in `model`; raises `CheckpointError` with what was found if it is another network."""
    reader = _Reader(model.graph)
    for node in model.graph.node:
        reader.add(node)
    outputs = [each.name for each in model.graph.output]
    reader.check_outputs(outputs)
    used = tuple(outputs[:_USED_OUTPUTS])
    return FaceDetector(layers=_needed(reader.layers, used), image=reader.image, outputs=used)


def _parsed(content: bytes) -> onnx.ModelProto:
    if len(content) > _MOST_BYTES:
        raise CheckpointError(f"it has more than {_MOST_BYTES} bytes; CenterFace has 7,304,518")
    try:
        return onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's types differ between its versions
        raise CheckpointError(f"it is not an ONNX file ({error})") from error


def _needed(layers: List[Layer], outputs: Tuple[str, ...]) -> Tuple[Layer, ...]:
    """The layers that `outputs` depend on."""
    needed = set(outputs)
    kept: List[Layer] = []
    for layer in reversed(layers):
        if layer.output in needed:
            needed.update(layer.inputs)
            kept.append(layer)
    return tuple(reversed(kept))


class _Form(NamedTuple):
    """A value's shape: its channels, and by how much it is smaller than the picture."""

    channels: int
    stride: int


class _Reader:
    """Turns nodes into layers, and follows the form of every value."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.layers: List[Layer] = []
        self._tensors: Dict[str, onnx.TensorProto] = {each.name: each for each in graph.initializer}
        # Files of IR version 3 list initializers among the inputs.
        pictures = [each.name for each in graph.input if each.name not in self._tensors]
        if len(pictures) != 1:
            raise CheckpointError(
                f"it has {len(pictures)} inputs, where CenterFace has one picture"
            )
        self.image = pictures[0]
        self._forms = {self.image: _Form(channels=3, stride=1)}

    def add(self, node: onnx.NodeProto) -> None:
        """Take the next node."""
        if node.domain or len(node.output) != 1 or not node.output[0] or not node.input:
            raise CheckpointError(f"its node {shown(node.name)} is of no form that CenterFace has")
        if node.output[0] in self._forms or node.output[0] in self._tensors:
            raise CheckpointError(f"its value {shown(node.output[0])} is computed twice")
        if node.op_type in ("Conv", "ConvTranspose"):
            self._convolution(node)
        elif node.op_type == "BatchNormalization":
            self._norm(node)
        elif node.op_type in _PLAIN:
            self._plain(node)
        else:
            raise CheckpointError(
                f"it has the operator {shown(node.op_type)}, which CenterFace does not have"
            )

    def check_outputs(self, names: List[str]) -> None:
        """Raise `CheckpointError` unless the graph's outputs are those of CenterFace."""
        found = [self._forms.get(name) for name in names]
        if found != [_Form(channels, _OUTPUT_STRIDE) for channels in _OUTPUT_CHANNELS]:
            forms = [f"{f.channels} channels at 1/{f.stride}" if f else "none" for f in found]
            raise CheckpointError(
                f"its outputs are {', '.join(forms) or 'missing'}, where CenterFace has "
                f"{', '.join(map(str, _OUTPUT_CHANNELS))} channels at 1/{_OUTPUT_STRIDE}"
            )

    def _plain(self, node: onnx.NodeProto) -> None:
        forms = {self._form(name) for name in node.input}
        if len(node.input) != _PLAIN[node.op_type] or len(forms) != 1 or node.attribute:
            raise CheckpointError(f"its {_about(node)} does not fit its inputs")
        self._append(Layer(node.op_type, tuple(node.input), node.output[0]), forms.pop())

    def _convolution(self, node: onnx.NodeProto) -> None:
        if len(node.input) not in (2, 3):
            raise CheckpointError(f"its {_about(node)} has {len(node.input)} inputs")
        form = self._form(node.input[0])
        weight = self._tensor(node.input[1])
        attributes = _attributes(node)
        doubles = node.op_type == "ConvTranspose"
        stride = 2 if attributes.get("strides") == [2, 2] else 1
        groups = attributes.get("group")
        if type(groups) is not int or groups not in (1, form.channels):
            raise CheckpointError(f"its {_about(node)} has {shown(groups)} as its groups")
        kernel, incoming = weight.shape[-1], form.channels // groups
        channels = weight.shape[1 if doubles else 0] if weight.ndim == 4 else 0
        shape = (channels, incoming, kernel, kernel)
        if doubles:
            shape = (incoming, channels, 2, 2)
        expected: Mapping[str, object] = {
            "dilations": [1, 1],
            "group": groups,
            "kernel_shape": [kernel, kernel],
            "pads": [0 if doubles else kernel // 2] * 4,
            "strides": [stride, stride],
        }
        fits = weight.shape == shape and not channels % groups
        fits = fits and ((stride == 2 and groups == 1) if doubles else kernel % 2 == 1)
        if not fits or attributes != expected:
            raise CheckpointError(
                f"its {_about(node)} has weights of the shape {list(weight.shape)} and attributes "
                f"that do not fit {form.channels} channels as in CenterFace"
            )
        bias = np.zeros(channels, np.float32)
        if len(node.input) == 3:
            bias = self._vector(node.input[2], channels)
        layer = Layer(node.op_type, (node.input[0],), node.output[0], weight, bias, stride, groups)
        self._append(layer, _Form(channels, _scaled(form.stride, stride, doubles)))

    def _norm(self, node: onnx.NodeProto) -> None:
        """Fold batch normalisation into the convolution right before it."""
        before = self.layers[-1] if self.layers else None
        epsilon = _attributes(node).get("epsilon", 1e-5)
        if before is None or before.weight is None or before.bias is None or len(node.input) != 5:
            raise CheckpointError(f"its {_about(node)} does not follow a convolution")
        if before.output != node.input[0]:
            raise CheckpointError(f"its {_about(node)} does not follow the convolution before it")
        if not isinstance(epsilon, float) or not 0 < epsilon < 1:
            raise CheckpointError(f"its {_about(node)} has the epsilon {shown(epsilon)}")
        channels = len(before.bias)
        scale, shift, mean, variance = (self._vector(name, channels) for name in node.input[1:])
        if (variance < 0).any():
            raise CheckpointError(f"its {_about(node)} has a negative variance")
        factor = scale / np.sqrt(variance + np.float32(epsilon))
        axis = 1 if before.operator == "ConvTranspose" else 0
        self.layers.pop()
        form = self._forms.pop(before.output)
        folded = replace(
            before,
            output=node.output[0],
            weight=before.weight * np.expand_dims(factor, [a for a in range(4) if a != axis]),
            bias=shift + (before.bias - mean) * factor,
        )
        self._append(folded, form)

    def _append(self, layer: Layer, form: _Form) -> None:
        self.layers.append(layer)
        self._forms[layer.output] = form

    def _form(self, name: str) -> _Form:
        if name not in self._forms:
            raise CheckpointError(f"its value {shown(name)} is used but not computed before")
        return self._forms[name]

    def _vector(self, name: str, channels: int) -> np.ndarray:
        vector = self._tensor(name)
        if vector.shape != (channels,):
            raise CheckpointError(
                f"its {shown(name)} has the shape {list(vector.shape)}, expected [{channels}]"
            )
        return vector

    def _tensor(self, name: str) -> np.ndarray:
        """A constant of the file as float32; one in another file, or of other values, is refused."""
        tensor = self._tensors.pop(name, None)
        if tensor is None:
            raise CheckpointError(f"its tensor {shown(name)} is missing, or is used twice")
        if tensor.data_type != TensorProto.FLOAT or tensor.data_location != TensorProto.DEFAULT:
            raise CheckpointError(f"its tensor {shown(name)} is not of float32 in the file itself")
        if tensor.raw_data:
            if len(tensor.raw_data) % 4:
                raise CheckpointError(f"its tensor {shown(name)} is cut short")
            values = np.frombuffer(tensor.raw_data, "<f4").astype(np.float32)
        else:
            values = np.array(tensor.float_data, np.float32)
        shape = tuple(tensor.dims)
        count = 1
        for side in shape:
            count *= side
        if not shape or min(shape) < 1 or len(shape) > 4 or count != values.size:
            raise CheckpointError(
                f"its tensor {shown(name)} has {values.size} values for the shape {list(shape)}"
            )
        if not np.isfinite(values).all():
            raise CheckpointError(
                f"its tensor {shown(name)} holds values that are infinite or not numbers"
            )
        return values.reshape(shape)


def _scaled(before: int, stride: int, doubles: bool) -> int:
    after = before // stride if doubles else before * stride
    if not 1 <= after <= _MOST_STRIDE or (doubles and before % stride):
        raise CheckpointError(f"it has features of 1/{after} of the picture's size")
    return after


def _attributes(node: onnx.NodeProto) -> Dict[str, object]:
    try:
        return {each.name: helper.get_attribute_value(each) for each in node.attribute}
    except ValueError as error:
        raise CheckpointError(f"its {_about(node)} has an attribute of no known type") from error


def _about(node: onnx.NodeProto) -> str:
    return f"{node.op_type} that gives {shown(node.output[0])}"
