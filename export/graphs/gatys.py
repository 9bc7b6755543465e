"""The graphs of Gatys' style transfer: targets from a picture, and the loss with its gradient.

The graph contains the backward pass, operator by operator, so that an engine can drive the
optimisation without autograd in the process. All gradients are multiplied by `LOSS_SCALE` from the
loss terms to the end of the graph. A value whose name begins with one of `fp32_pins.FP32_PREFIXES` must stay
in float32 in a mixed-precision engine; all others may be FP16.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from export.graphs.builder import GraphBuilder
from export.graphs.pooling import unpool_average, unpool_max
from export.sources.vgg import MEAN_RGB, Convolution
from runtime.spec.graphs import (
    INPUT_GRADIENT,
    POOLED,
    UNPOOLED,
    GraphSpec,
    features_graph,
    gatys_graph,
    gram_name,
)
from runtime.spec.vgg import AVERAGE, MAX, VGG19, VGG19_CHANNELS, Objective

#: Near the solution 99 % of the unscaled gradients are subnormal in FP16; a power of two is exact.
LOSS_SCALE = 1024.0

_POOLING_OPERATORS: Mapping[Optional[str], str] = {AVERAGE: "AveragePool", MAX: "MaxPool"}
_UNPOOLINGS: Mapping[Optional[str], Callable[[GraphBuilder, str, str, str], str]] = {
    AVERAGE: unpool_average,
    MAX: unpool_max,
}


def write_graphs(
    objective: Objective,
    pooling: str,
    convolutions: Sequence[Convolution],
    folder: Path,
    weights: str = VGG19,
) -> Tuple[Path, Path]:
    """Write the graphs `features_graph` and `gatys_graph` into `folder`; returns their files.

    `weights` is the name of the weight set that `convolutions` belong to.
    """
    return (
        _features(features_graph(objective, pooling, weights), objective, convolutions, folder),
        _gatys(gatys_graph(objective, pooling, weights), objective, convolutions, folder),
    )


def _features(
    spec: GraphSpec, objective: Objective, convolutions: Sequence[Convolution], folder: Path
) -> Path:
    graph = GraphBuilder(spec)
    features = _forward(graph, convolutions)
    for layer in objective.style_layers:
        gram = _gram(graph, layer, features[layer])[1]
        graph.output(gram, gram_name(layer))
    graph.output(features[objective.content_layer], "content")
    return graph.save(folder)


def _gatys(
    spec: GraphSpec, objective: Objective, convolutions: Sequence[Convolution], folder: Path
) -> Path:
    graph = GraphBuilder(spec)
    features = _forward(graph, convolutions)
    style = _style_terms(graph, objective, features)
    content = _content_term(graph, objective, features[objective.content_layer])
    scaled = ""
    for index in reversed(range(len(convolutions))):
        layer = convolutions[index].name
        terms = [style[layer]] if layer in style else []
        terms += [content] if layer == objective.content_layer else []
        terms += [scaled] if scaled else []
        scaled = _backward(graph, convolutions, index, features, terms)
    gradient = graph.node("Mul", [scaled, graph.floats(1 / LOSS_SCALE)], "tail/gradient")
    graph.output(gradient, "gradient")
    return graph.save(folder)


def _forward(graph: GraphBuilder, convolutions: Sequence[Convolution]) -> Dict[str, str]:
    """Emit the forward pass; returns each layer's features after ReLU."""
    mean = graph.constant("mean_rgb", MEAN_RGB.reshape(1, 3, 1, 1))
    value = graph.node("Sub", ["image", mean], "centred")
    features = {}
    for index, conv in enumerate(convolutions):
        if _follows_pool(convolutions, index):
            operator = _POOLING_OPERATORS[graph.spec.pooling]
            value = graph.node(
                operator, [value], conv.name + POOLED, kernel_shape=[2, 2], strides=[2, 2]
            )
        weight = graph.constant(f"{conv.name}/weight", conv.weight)
        bias = graph.constant(f"{conv.name}/bias", conv.bias)
        value = _conv3x3(graph, [value, weight, bias], f"{conv.name}/sum")
        value = graph.node("Relu", [value], f"{conv.name}/features")
        features[conv.name] = value
    return features


def _gram(graph: GraphBuilder, layer: str, features: str) -> Tuple[str, str, str]:
    """Emit s = 1 / sqrt(C H W), G = f f^T of f = s F as [C, H W]; returns f, G and s."""
    name = f"style/{layer}"
    channels = VGG19_CHANNELS[layer]
    rows = graph.node("Reshape", [features, graph.integers(channels, -1)], f"{name}/unscaled_rows")
    root = graph.node("Sqrt", [_size(graph, features, f"{name}/size", channels)], f"{name}/root")
    scale = graph.node("Div", [graph.floats(1.0), root], f"{name}/scale")
    rows = graph.node("Mul", [rows, scale], f"{name}/rows")
    columns = graph.node("Transpose", [rows], f"{name}/columns", perm=[1, 0])
    return rows, graph.node("MatMul", [rows, columns], f"{name}/gram"), scale


def _style_terms(
    graph: GraphBuilder, objective: Objective, features: Dict[str, str]
) -> Dict[str, str]:
    """Emit the style losses; returns each layer's gradient with respect to its features.

    With f = s F, G = f f^T and the loss w mean((G - T)^2): dL/dF = s (4 w / C^2) (G - T) f.
    """
    losses, gradients = [], {}
    for index, layer in enumerate(objective.style_layers):
        name = f"style/{layer}"
        rows, gram, scale = _gram(graph, layer, features[layer])
        difference = graph.node("Sub", [gram, gram_name(layer)], f"{name}/difference")
        loss = _mean_product(graph, difference, difference, f"{name}/loss", axes=[0, 1])
        losses.append(loss)
        weight = graph.node(
            "Gather", ["style_weights", graph.integers(index)], f"{name}/weight", axis=0
        )
        constant = graph.floats(4.0 * LOSS_SCALE / VGG19_CHANNELS[layer] ** 2)
        factor = graph.node("Mul", [weight, constant], f"{name}/factor")
        factor = graph.node("Mul", [factor, scale], f"{name}/scaled_factor")
        slope = graph.node("Mul", [difference, factor], f"{name}/slope")
        slope = graph.node("MatMul", [slope, rows], f"{name}/row_gradient")
        shape = graph.node("Shape", [features[layer]], f"{name}/shape")
        gradients[layer] = graph.node("Reshape", [slope, shape], f"{name}/gradient")
    graph.output(graph.node("Concat", losses, "style/losses", axis=0), "style_losses")
    return gradients


def _content_term(graph: GraphBuilder, objective: Objective, features: str) -> str:
    """Emit the content loss; returns its gradient 2 w m (F - T) / (C H W) for the map m."""
    difference = graph.node("Sub", [features, "content"], "content/difference")
    weighted = graph.node("Mul", [difference, "content_map"], "content/weighted_difference")
    loss = _mean_product(graph, weighted, difference, "content/loss", axes=[0, 1, 2, 3])
    graph.output(loss, "content_loss")
    size = _size(graph, features, "content/size", VGG19_CHANNELS[objective.content_layer])
    factor = graph.node("Div", [graph.floats(2.0 * LOSS_SCALE), size], "content/factor")
    factor = graph.node("Mul", [factor, "content_weight"], "content/weighted_factor")
    return graph.node("Mul", [weighted, factor], "content/gradient")


def _backward(
    graph: GraphBuilder,
    convolutions: Sequence[Convolution],
    index: int,
    features: Dict[str, str],
    terms: Sequence[str],
) -> str:
    """Emit the backward step from a layer's features to the features of the layer below."""
    conv = convolutions[index]
    gradient = terms[0]
    for term in terms[1:]:
        gradient = graph.node("Add", [gradient, term], f"{conv.name}/features_gradient")
    # Not a Where, which ONNX Runtime runs several times slower than a product with the mask.
    active = graph.node(
        "Greater", [features[conv.name], graph.floats(0.0)], f"{conv.name}/is_active"
    )
    active = graph.node("Cast", [active], f"{conv.name}/active", to=graph.float_type)
    gradient = graph.node("Mul", [gradient, active], f"{conv.name}/sum_gradient")
    # The gradient of a 3x3 convolution with padding 1 is one with flipped, transposed weights. For
    # it TensorRT has fast tactics, which it lacks for a ConvTranspose.
    weight = conv.weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    pooled = _follows_pool(convolutions, index)
    if pooled and graph.spec.pooling == AVERAGE:
        weight = weight * np.float32(0.25)
    flipped = graph.constant(f"{conv.name}/flipped_weight", weight)
    gradient = _conv3x3(graph, [gradient, flipped], conv.name + INPUT_GRADIENT)
    if not pooled:
        return gradient
    below = features[convolutions[index - 1].name]
    unpool = _UNPOOLINGS[graph.spec.pooling]
    return unpool(graph, gradient, below, conv.name + UNPOOLED)


def _conv3x3(graph: GraphBuilder, inputs: Sequence[str], name: str) -> str:
    return graph.node("Conv", inputs, name, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def _follows_pool(convolutions: Sequence[Convolution], index: int) -> bool:
    return index > 0 and convolutions[index].name.endswith("_1")


def _mean_product(
    graph: GraphBuilder, left: str, right: str, name: str, axes: Sequence[int]
) -> str:
    product = graph.node("Mul", [left, right], f"{name}_products")
    mean = graph.node("ReduceMean", [product], f"{name}_mean", axes=list(axes), keepdims=1)
    return graph.node("Reshape", [mean, graph.integers(1)], name)


def _size(graph: GraphBuilder, features: str, name: str, channels: int) -> str:
    """Emit C H W of the features as a float32 [1]."""
    shape = graph.node("Shape", [features], f"{name}_shape")
    height, width = (
        graph.node("Gather", [shape, graph.integers(axis)], f"{name}_side", axis=0)
        for axis in (2, 3)
    )
    area = graph.node("Mul", [height, width], f"{name}_area")
    pixels = graph.node("Cast", [area], f"{name}_pixels", to=graph.float_type)
    return graph.node("Mul", [pixels, graph.floats(channels)], name)
