"""The networks for sketches in the published files' layout, with random weights."""

from __future__ import annotations

import zipfile

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from export.sources.sketch_networks import (
    PREDICTOR,
    TRANSFORMER,
    predictor_shapes,
    transformer_shapes,
)


def random_networks(seed=0):
    """The models of the predictor and of the transformer; only their tensors make sense."""
    rng = np.random.default_rng(seed)
    return tuple(_model(shapes(), rng) for shapes in (predictor_shapes, transformer_shapes))


def write_wheel(path, models):
    """The wheel at `path` with the two models."""
    with zipfile.ZipFile(path, "w") as wheel:
        for name, model in zip((PREDICTOR, TRANSFORMER), models):
            wheel.writestr(name, model.SerializeToString())


def _model(shapes, rng):
    nodes, constants = [], []

    def quantised(name, values, scales):
        names = [name, f"{name}/scale", f"{name}/zero"]
        arrays = [values, scales.astype(np.float32), np.zeros(len(scales), values.dtype)]
        constants.extend(numpy_helper.from_array(*each) for each in zip(arrays, names))
        nodes.append(helper.make_node("DequantizeLinear", names, [f"{name}/float"], axis=0))
        return f"{name}/float"

    for name, shape in shapes.items():
        weights = rng.integers(-127, 128, shape).astype(np.int8)
        bias = rng.integers(-50, 50, shape[:1]).astype(np.int32)
        # The sum of so many products then has the size of its terms.
        scales = rng.uniform(0.5, 1, shape[0]) / 64 / np.prod(shape[1:]) ** 0.5
        inputs = [
            "value",
            quantised(name, weights, scales),
            quantised(f"{name}/bias", bias, scales),
        ]
        nodes.append(helper.make_node("Conv", inputs, [f"{name}/done"]))
    info = helper.make_tensor_value_info("value", TensorProto.FLOAT, [1, 3, 8, 8])
    return helper.make_model(helper.make_graph(nodes, "random", [info], [], constants))
