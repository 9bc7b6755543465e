"""What a desktop GPU runs for pictures of 4:3: both stages of a painting, faces, and sketches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

from runtime.spec.engine_sizes import ASPECTS, Device, DeviceClass, Stage, engine_sizes
from runtime.spec.engines import Size
from runtime.spec.graphs import (
    GraphSpec,
    faces_graph,
    features_graph,
    gatys_graph,
    sketch_graph,
    style_vector_graph,
)
from runtime.spec.vgg import AVERAGE, CLASSIC, DEEP

#: A card with enough memory for every size.
_CARD = Device(DeviceClass.DESKTOP, 1 << 20)

_GRAPHS = {
    Stage.FINE: gatys_graph(CLASSIC, AVERAGE),
    Stage.COARSE: gatys_graph(DEEP, AVERAGE),
    Stage.SKETCH: sketch_graph(),
    Stage.STYLE_VECTOR: style_vector_graph(),
    Stage.FACES: faces_graph(),
}


@dataclass(frozen=True)
class StageRun:
    """One run of a stage's graph at one size."""

    stage: Stage
    size: Size

    @property
    def graph(self) -> GraphSpec:
        """The graph of the stage; of a painting's stages, the one with loss and gradient."""
        return _GRAPHS[self.stage]

    @property
    def what(self) -> str:
        """The name of its row."""
        return f"{self.stage.value}, {self.size[0]}x{self.size[1]}"

    @property
    def engines(self) -> Tuple[Tuple[str, Size], ...]:
        """The engines that the stage needs in use."""
        names = [self.graph.name]
        if self.stage in (Stage.COARSE, Stage.FINE):
            objective = DEEP if self.stage is Stage.COARSE else CLASSIC
            names.append(features_graph(objective, AVERAGE).name)
        return tuple((name, self.size) for name in names)


def desktop_runs() -> List[StageRun]:
    """The runs at every size that a desktop GPU has for 4:3: its first aspect."""
    return [
        StageRun(stage, size)
        for stage in _GRAPHS
        for size in engine_sizes(stage, _CARD)[:: len(ASPECTS[stage])]
    ]
