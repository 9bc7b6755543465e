"""The sizes of picture that engines are built for: by class of device and stage of a painting."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Mapping, Tuple

from runtime.spec.engines import EngineHost, Size
from runtime.spec.graphs import STYLE_SIDE, GraphKind, GraphSpec
from runtime.spec.vgg import CLASSIC, DEEP, Objective

#: Width and height as a ratio.
Aspect = Tuple[int, int]

#: The sides of an engine's picture are multiples of this, so that no pooling of VGG-19 drops a row.
SIDE_STEP = 16

#: Cameras' and squares: nearly every photo has one of these. They are built first.
FREQUENT_ASPECTS: Tuple[Aspect, ...] = ((4, 3), (3, 4), (1, 1))


class DeviceClass(Enum):
    """What kind of device runs the engines."""

    NANO = "Jetson Nano"
    ORIN = "Jetson Orin"
    DESKTOP = "desktop GPU"


class Stage(Enum):
    """What an engine does for a picture: motifs, strokes, faces, translation, a style, a sketch."""

    COARSE = "coarse"
    FINE = "fine"
    FACES = "faces"
    GENERATOR = "generator"
    STYLE_VECTOR = "style-vector"
    SKETCH = "sketch"


#: The pixels of reflection on each side of the photo in a graph's picture. They keep the cast of
#: the network's own padding away; the few pixels of the coarse stage can spare fewer.
MARGINS: Mapping[Stage, int] = {
    Stage.COARSE: 4,
    Stage.FINE: 8,
    Stage.FACES: 0,
    Stage.GENERATOR: 0,
    Stage.STYLE_VECTOR: 0,
    Stage.SKETCH: 8,
}

#: The aspects of a stage, the most frequent first. With them, and with photos stretched a little
#: (`runtime.imaging.frame.STRETCH`), no photo from 9:20 to 20:9 wastes a tenth of the pixels. The
#: strokes of the fine stage can be stretched least, so it has the most aspects.
_FEW = (*FREQUENT_ASPECTS, (15, 8), (8, 15))
ASPECTS: Mapping[Stage, Tuple[Aspect, ...]] = {
    Stage.COARSE: _FEW,
    Stage.FINE: (*FREQUENT_ASPECTS, (8, 5), (5, 8), (2, 1), (1, 2)),
    Stage.FACES: ((1, 1),),
    Stage.GENERATOR: _FEW,
    Stage.STYLE_VECTOR: ((1, 1),),
    Stage.SKETCH: _FEW,
}


@dataclass(frozen=True)
class Side:
    """The longer side of a picture in pixels, and the GPU's memory that it needs, in MiB.

    The memory is the whole board's on a Jetson, and the card's elsewhere.
    """

    pixels: int
    memory_mib: int = 0


#: These stages have one size. The photo's mirror image fills the rest of the faces' square.
ONLY_SIZES: Mapping[Stage, Size] = {
    Stage.FACES: (640, 640),
    Stage.STYLE_VECTOR: (STYLE_SIDE, STYLE_SIDE),
}

#: The longer sides, the first one preferred. The builder needs about 2 GiB beside the system at
#: 768 px and 4 GiB at 1280 px; on a Jetson the system and the bot need the same memory.
SIDES: Mapping[Tuple[DeviceClass, Stage], Tuple[Side, ...]] = {
    (DeviceClass.NANO, Stage.COARSE): (Side(240),),
    (DeviceClass.NANO, Stage.FINE): (Side(768),),
    (DeviceClass.ORIN, Stage.COARSE): (Side(288),),
    (DeviceClass.ORIN, Stage.FINE): (Side(1280, 12000), Side(1024, 6000), Side(768)),
    (DeviceClass.DESKTOP, Stage.COARSE): (Side(288),),
    (DeviceClass.DESKTOP, Stage.FINE): (Side(1280, 7000), Side(1024, 5000), Side(768)),
    **{(each, Stage.GENERATOR): (Side(512),) for each in DeviceClass},
    (DeviceClass.NANO, Stage.SKETCH): (Side(512),),
    (DeviceClass.ORIN, Stage.SKETCH): (Side(1024),),
    (DeviceClass.DESKTOP, Stage.SKETCH): (Side(1024),),
}


@dataclass(frozen=True)
class Device:
    """The class of the GPU, and its memory in MiB."""

    kind: DeviceClass
    memory_mib: int

    @classmethod
    def of(cls, host: EngineHost, memory_mib: int) -> Device:
        """The device that `host` describes; no other place decides its class."""
        if not host.l4t:
            return cls(DeviceClass.DESKTOP, memory_mib)
        # 5.3 is the Nano and the TX1, 6.2 the TX2; Xavier is 7.2, Orin 8.7.
        kind = DeviceClass.NANO if float(host.capability) < 7 else DeviceClass.ORIN
        return cls(kind, memory_mib)


#: The stage of the graphs that belong to no objective.
_STAGE_OF_KIND: Mapping[GraphKind, Stage] = {
    GraphKind.GENERATOR: Stage.GENERATOR,
    GraphKind.FACES: Stage.FACES,
    GraphKind.STYLE_VECTOR: Stage.STYLE_VECTOR,
    GraphKind.SKETCH: Stage.SKETCH,
}


def stages_of(graph: GraphSpec, coarse: Objective) -> Tuple[Stage, ...]:
    """What `graph` is for where `coarse` is the objective of the coarse stage.

    Without the deep weights the classic objective serves both stages.
    """
    if graph.kind in _STAGE_OF_KIND:
        return (_STAGE_OF_KIND[graph.kind],)
    found = (Stage.COARSE,) if graph.objective in (DEEP, coarse) else ()
    return found + ((Stage.FINE,) if graph.objective == CLASSIC else ())


def engine_sizes(stage: Stage, device: Device) -> Tuple[Size, ...]:
    """The sizes of the engines of a stage on `device`: the preferred side and aspects first."""
    if stage in ONLY_SIZES:
        return (ONLY_SIZES[stage],)
    sides = [each for each in SIDES[device.kind, stage] if device.memory_mib >= each.memory_mib]
    return tuple(_size(side.pixels, aspect) for side in sides for aspect in ASPECTS[stage])


def graph_sizes(graph: GraphSpec, coarse: Objective, device: Device) -> Tuple[Size, ...]:
    """The sizes of the engines of `graph` on `device`, for all its stages."""
    return tuple(size for stage in stages_of(graph, coarse) for size in engine_sizes(stage, device))


def _size(longer: int, aspect: Aspect) -> Size:
    """The size of this aspect; a square has no more pixels than 4:3, and takes no longer."""
    scale = min(longer / max(aspect), (longer**2 * 3 / 4 / (aspect[0] * aspect[1])) ** 0.5)
    across, down = (max(SIDE_STEP, round(side * scale / SIDE_STEP) * SIDE_STEP) for side in aspect)
    return across, down
