"""Writes CenterFace, the face detector, as an ONNX graph that TensorRT 8.0 reads, for any size."""

from __future__ import annotations

from pathlib import Path
from typing import List

from export.graphs.builder import GraphBuilder
from export.sources.face_detector import FaceDetector, Layer, load_face_detector
from runtime.spec.graphs import faces_graph


def write_faces(checkpoint: Path, folder: Path) -> Path:
    """Write the detector in the file `checkpoint` to `folder` as the graph `faces_graph()`.

    Returns the graph's file. Raises `CheckpointError` if the checkpoint cannot be read or holds
    something else.
    """
    return build_faces(load_face_detector(checkpoint)).save(folder)


def build_faces(detector: FaceDetector) -> GraphBuilder:
    """The graph of a detector; see `faces_graph` for its input and outputs."""
    graph = GraphBuilder(faces_graph())
    # The network was trained on the bytes of pictures.
    values = {detector.image: graph.node("Mul", ["image", graph.floats(255.0)], "bytes")}
    for layer in detector.layers:
        inputs = [values[name] for name in layer.inputs]
        values[layer.output] = _emit(graph, layer, inputs)
    for spec, name in zip(graph.spec.outputs, detector.outputs):
        graph.output(values[name], spec.name)
    return graph


def _emit(graph: GraphBuilder, layer: Layer, inputs: List[str]) -> str:
    name = f"layer/{layer.output}"
    if layer.weight is None or layer.bias is None:
        return graph.node(layer.operator, inputs, name)
    inputs += [
        graph.constant(f"{name}.weight", layer.weight),
        graph.constant(f"{name}.bias", layer.bias),
    ]
    kernel = layer.weight.shape[2]
    margin = 0 if layer.operator == "ConvTranspose" else kernel // 2
    attributes = {
        "kernel_shape": [kernel, kernel],
        "strides": [layer.stride, layer.stride],
        "pads": [margin] * 4,
        "group": layer.groups,
    }
    if layer.operator == "ConvTranspose":
        attributes["output_padding"] = [0, 0]
    return graph.node(layer.operator, inputs, name, **attributes)
