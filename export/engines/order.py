"""Which engines painting needs, in the order of building: what answers the first photo comes first."""

from __future__ import annotations

from itertools import takewhile
from typing import Iterable, List, Tuple

from runtime.spec.engine_sizes import (
    ASPECTS,
    FREQUENT_ASPECTS,
    Device,
    Stage,
    engine_sizes,
    stages_of,
)
from runtime.spec.engines import Size
from runtime.spec.graphs import GraphKind, GraphSpec
from runtime.spec.vgg import Objective

_STAGES = tuple(Stage)
_KINDS = tuple(GraphKind)

#: The stages that no painting waits for.
_LATER = (Stage.GENERATOR, Stage.STYLE_VECTOR, Stage.SKETCH)

_Rank = Tuple[bool, bool, int, int, bool, int, int]


def in_order(
    graphs: Iterable[GraphSpec], coarse: Objective, device: Device
) -> List[Tuple[GraphSpec, Size]]:
    """The graph and size of each engine for `device`; `coarse` is the coarse stage's objective.

    First come the engines of the frequent aspects, aspect by aspect, and of each aspect those that
    the descent runs; then the generators' and the sketches' of these aspects, then all others.
    """
    ranked: List[Tuple[_Rank, GraphSpec, Size]] = []
    for graph in graphs:
        for stage in stages_of(graph, coarse):
            aspects = len(ASPECTS[stage])
            for number, size in enumerate(engine_sizes(stage, device)):
                side, aspect = divmod(number, aspects)
                rare = side > 0 or aspect >= len(FREQUENT_ASPECTS)
                rank = (
                    rare,
                    stage in _LATER,
                    side,
                    aspect,
                    graph.kind is not GraphKind.GATYS,
                    _STAGES.index(stage),
                    _KINDS.index(graph.kind),
                )
                ranked.append((rank, graph, size))
    ranked.sort(key=lambda each: each[0])
    return [(graph, size) for _, graph, size in ranked]


def before_first_photo(graphs: Iterable[GraphSpec]) -> int:
    """How many engines, of these graphs in order, a photo painted on the GPU waits for.

    A descent evaluates its gatys graph some 70 times. The other graphs run a few times for a photo:
    the processor runs them until their engines are there (`GraphsOf.open`).
    """
    return sum(1 for _ in takewhile(lambda graph: graph.kind is GraphKind.GATYS, graphs))
