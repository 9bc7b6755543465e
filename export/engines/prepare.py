"""The first step of an engine's build: its ONNX file of fixed size, and its reference.

It runs in a process of its own, which ends before TensorRT's begins: both need much memory.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict

import numpy as np
import onnx

from export.engines.job import TYPED, Job
from export.engines.reference import is_current, write_reference
from export.graphs.cost import cost_of
from export.graphs.fp32_pins import pinned_nodes
from export.graphs.mixed_precision import to_mixed
from export.graphs.specialise import fixed
from runtime.spec.engines import Size
from runtime.spec.graphs import (
    STYLE_SIDE,
    GraphKind,
    GraphSpec,
    style_vector_graph,
    targets_graph,
)

#: The weight that `runtime.style_transfer` gives the style terms: the reference's loss then has the
#: size that the engine will compute.
_STYLE_WEIGHT = 45.0


def step(job: Job) -> int:
    """Write the prepared ONNX file of `job`, its pins, and its reference unless it is current.

    Returns 0. Raises `ExportError` for an ONNX file of another graph, `OSError` when the disk is full.
    """
    folder = Path(job.folder)
    model = fixed(onnx.load(str(folder / job.graph.onnx_file)), job.graph, job.size)
    pinned = pinned_nodes(model)
    free = [node.name for node in model.graph.node if node.name not in pinned]
    live = cost_of(model).live / 2**20
    job.pins.write_text(json.dumps({"pinned": pinned, "free": free, "live_mib": live}))
    prepared = to_mixed(model) if job.precision == TYPED else model
    job.prepared.write_bytes(prepared.SerializeToString())
    if not is_current(job.reference, job.onnx_sha256):
        feeds = reference_feeds(job.graph, job.size, folder)
        write_reference(job.reference, job.onnx_sha256, feeds, run(model, feeds))
    return 0


def reference_feeds(graph: GraphSpec, size: Size, folder: Path) -> Dict[str, np.ndarray]:
    """Inputs for a test, by name: float32 pictures with the spectrum of a photograph.

    A gatys graph gets the targets of two pictures, computed by its features graph in `folder`, and
    their mean as the image. A sketch graph gets the style that its predictor there gives.
    """
    first, second = (_picture(size, seed) for seed in (1, 2))
    if graph.kind is GraphKind.GENERATOR:
        return {"image": first * np.float32(2) - np.float32(1)}
    if graph.kind in (GraphKind.FEATURES, GraphKind.FACES, GraphKind.STYLE_VECTOR):
        return {"image": first}
    if graph.kind is GraphKind.SKETCH:
        predictor = style_vector_graph()
        model = onnx.load(str(folder / predictor.onnx_file))
        style = run(model, {"image": _picture((STYLE_SIDE, STYLE_SIDE), 2)})
        return {"image": first, **style}
    features = targets_graph(graph)
    model = fixed(onnx.load(str(folder / features.onnx_file)), features, size)
    feeds = run(model, {"image": second})
    grams = [value for name, value in feeds.items() if name != "content"]
    feeds["content"] = run(model, {"image": first})["content"]
    weights = [_STYLE_WEIGHT / len(grams) / np.mean(np.square(gram)) for gram in grams]
    feeds["style_weights"] = np.array(weights, np.float32)
    feeds["content_map"] = _content_map(graph, size)
    feeds["content_weight"] = np.array([1 / np.mean(np.square(feeds["content"]))], np.float32)
    feeds["image"] = (first + second) / np.float32(2)
    return feeds


def run(model: onnx.ModelProto, feeds: Dict[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """The outputs of `model`, computed by ONNX Runtime in float32."""
    import onnxruntime

    names = [each.name for each in model.graph.output]
    options = onnxruntime.SessionOptions()
    # It keeps what is freed: with it the peak is 2.0 GiB at 768x576, without it 1.3 GiB.
    options.enable_cpu_mem_arena = False
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return dict(zip(names, session.run(names, feeds)))


def _content_map(graph: GraphSpec, size: Size) -> np.ndarray:
    """A map that differs from position to position, so that a wrong axis shows."""
    width, height = size
    shape = graph.input_shapes(height, width)["content_map"]
    return np.linspace(1, 3, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def _picture(size: Size, seed: int) -> np.ndarray:
    """A random picture whose spectrum falls with the frequency, [1, 3, H, W] in [0, 1]."""
    width, height = size
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    falling = 1 / (np.hypot(rows, columns) + 1 / max(size))
    noise = np.random.default_rng(seed).standard_normal((3, height, width))
    picture = np.fft.irfft2(np.fft.rfft2(noise) * falling, s=(height, width))
    picture = (picture - picture.min()) / (picture.max() - picture.min())
    return picture[None].astype(np.float32)
