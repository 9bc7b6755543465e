"""What a picture on a Jetson Nano will take, stage by stage, from what its graphs compute.

Nothing here is measured on a Nano: each assumption has a name below.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

import onnx

from export.engines.forecast import Forecast
from export.engines.job import PINNED, Job
from export.engines.work import Work
from export.graphs.cost import Cost, cost_of
from export.graphs.specialise import fixed
from runtime.spec.engine_sizes import Device, DeviceClass, Stage, engine_sizes
from runtime.spec.engines import Size
from runtime.spec.graphs import (
    STYLE_SIDE,
    GraphKind,
    GraphSpec,
    features_graph,
    gatys_graph,
    sketch_graph,
    style_vector_graph,
)
from runtime.spec.vgg import AVERAGE, CLASSIC, Objective

#: The data sheet: 472 GFLOP/s in FP16, half of it in FP32, and 25.6 GB/s.
FP16_FLOPS, FP32_FLOPS, BYTES_PER_S = 472e9, 236e9, 25.6e9
#: What torch2trt's VGG-16 reaches of the peak: 85 ms at 224x224. The Gram products get as much.
REACHED = 0.77
#: How many times longer the Cortex-A57 takes for the optimiser than one core of a Xeon with AMX
#: (2 cores, one thread, other work beside it), and the seconds that it took for each pixel there,
#: at 240x176 and 768x576.
A57_SLOWDOWN, OWN_S_PER_PIXEL = 8, 1.1e-7
#: Loading two engines of a stage, reading and finishing the picture.
OTHER_S = 3.0

#: The styles of a sheet, and the seconds that reading the photo, scaling and writing take for one.
SHEET_STYLES, SHEET_OTHER_S = 7, 0.6

#: The system without a desktop, CUDA with its libraries, and Python: the bot
#: and its painter, with the optimiser's history.
SYSTEM_MIB, CUDA_MIB, PYTHON_MIB = 430, 1150, 350

NANO = Device(DeviceClass.NANO, 3956)


@dataclass(frozen=True)
class Painting:
    """One stage at one size: its graphs, what they cost, and how often they run."""

    stage: Stage
    size: Size
    evaluations: int
    targets: Cost
    evaluation: Cost

    @property
    def seconds_each(self) -> float:
        """One evaluation with the optimiser's share."""
        return run_seconds(self.evaluation) + self.optimiser_seconds

    @property
    def optimiser_seconds(self) -> float:
        """The optimiser's own arithmetic for one evaluation."""
        return self.size[0] * self.size[1] * OWN_S_PER_PIXEL * A57_SLOWDOWN

    @property
    def seconds(self) -> float:
        """The whole stage: the targets of photo and style, then the evaluations."""
        return 2 * run_seconds(self.targets) + self.evaluations * self.seconds_each

    @property
    def gpu_mib(self) -> float:
        """Weights, activations, inputs and outputs of the graph that gives loss and gradient."""
        cost = self.evaluation
        return (cost.weights + cost.live + cost.ends) / 2**20


def run_seconds(cost: Cost) -> float:
    """One run of a graph: the arithmetic at its share of the peak, then the memory's traffic."""
    return (
        cost.convolution_flop / (REACHED * FP16_FLOPS)
        + cost.product_flop / (REACHED * FP32_FLOPS)
        + cost.traffic / BYTES_PER_S
    )


def paintings(
    folder: Path, coarse: Objective, evaluations: Dict[Stage, int]
) -> List[Tuple[Painting, Painting]]:
    """Both stages for each aspect of the fine stage; `folder` holds the graphs.

    A coarse stage has fewer aspects: the nearest one stands beside each fine size.
    """
    stages = {Stage.COARSE: coarse, Stage.FINE: CLASSIC}
    found: Dict[Stage, Dict[Size, Painting]] = {}
    for stage, objective in stages.items():
        graphs = [graph(objective, AVERAGE) for graph in (features_graph, gatys_graph)]
        models = [onnx.load(str(folder / graph.onnx_file)) for graph in graphs]
        found[stage] = {
            size: Painting(
                stage,
                size,
                evaluations[stage],
                *(cost_of(fixed(model, graph, size)) for model, graph in zip(models, graphs)),
            )
            for size in engine_sizes(stage, NANO)
            # A portrait costs what its landscape costs.
            if size[0] >= size[1]
        }
    return [
        (min(found[Stage.COARSE].values(), key=lambda each: _distance(each.size, size)), fine)
        for size, fine in found[Stage.FINE].items()
    ]


@dataclass(frozen=True)
class Sketch:
    """The sketch of a photo at one size: what the transformer costs."""

    size: Size
    cost: Cost

    @property
    def seconds(self) -> float:
        """One run."""
        return run_seconds(self.cost)


def sketches(folder: Path) -> Tuple[float, List[Sketch]]:
    """Seconds for the numbers of one style, and the sketches; `folder` holds the graphs."""
    predictor = style_vector_graph()
    numbers = _cost(folder, predictor, (STYLE_SIDE, STYLE_SIDE))
    sizes = [size for size in engine_sizes(Stage.SKETCH, NANO) if size[0] >= size[1]]
    found = [Sketch(size, _cost(folder, sketch_graph(), size)) for size in sizes]
    return run_seconds(numbers), found


def _cost(folder: Path, graph: GraphSpec, size: Size) -> Cost:
    return cost_of(fixed(onnx.load(str(folder / graph.onnx_file)), graph, size))


def memory_mib(stage: Painting) -> float:
    """The memory of the board while this stage runs."""
    return SYSTEM_MIB + CUDA_MIB + PYTHON_MIB + stage.gpu_mib


def build_seconds(stage: Painting, graph: GraphSpec) -> float:
    """How long the engine of `graph` takes to build, by the assumption of `make engines`."""
    cost = stage.evaluation if graph.kind is GraphKind.GATYS else stage.targets
    pixels = stage.size[0] * stage.size[1]
    work = {graph.name: Work(cost.gflop / pixels, cost.weights)}
    return Forecast(work, DeviceClass.NANO).of([Job(graph, stage.size, "", "", PINNED, 0)]).seconds


def _distance(one: Size, other: Size) -> float:
    return abs(one[0] / one[1] - other[0] / other[1])
