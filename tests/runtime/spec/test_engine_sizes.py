"""The table of the engines' sizes: what it wastes, what it says for each device, how many."""

from __future__ import annotations

import pytest

from runtime.imaging.frame import STRETCH, frame_for
from runtime.spec.engine_sizes import (
    FREQUENT_ASPECTS,
    MARGINS,
    ONLY_SIZES,
    SIDE_STEP,
    SIDES,
    Device,
    DeviceClass,
    Stage,
    engine_sizes,
    graph_sizes,
    stages_of,
)
from runtime.spec.engines import EngineHost
from runtime.spec.graphs import (
    faces_graph,
    gatys_graph,
    generator_graph,
    sketch_graph,
    style_vector_graph,
)
from runtime.spec.vgg import CLASSIC, DEEP

MOST_WASTE = 0.1
PAINTING = (Stage.COARSE, Stage.FINE, Stage.GENERATOR, Stage.SKETCH)
LARGE = {kind: Device(kind, 1 << 20) for kind in DeviceClass}
NANO = Device(DeviceClass.NANO, 3956)

#: Every aspect from a tall phone's to its transpose, in steps of half a percent.
PHOTOS = [
    size
    for percent in range(200, 446)
    for size in ((percent * 10, 2000), (2000, percent * 10))
    if percent * 9 <= 200 * 20
]


def frame(photo, stage, sizes, longest):
    return frame_for(photo, longest=longest, multiple=16, margin=MARGINS[stage], sizes=sizes)


@pytest.mark.parametrize("stage", PAINTING)
@pytest.mark.parametrize("kind", DeviceClass)
def test_no_photo_up_to_9_to_20_wastes_a_tenth_of_the_pixels(kind, stage):
    sizes = engine_sizes(stage, LARGE[kind])
    assert PHOTOS[0] == (2000, 2000) and PHOTOS[-1][1] * 9 > PHOTOS[-1][0] * 19.9
    for side in SIDES[kind, stage]:
        for photo in PHOTOS:
            found = frame(photo, stage, sizes, side.pixels)
            assert abs(max(found.size) / side.pixels - 1) < 0.15
            used = found.inner[0] * found.inner[1] / (found.size[0] * found.size[1])
            assert 1 - used <= MOST_WASTE, (photo, found)
            bent = found.inner[0] * photo[1] / (found.inner[1] * photo[0])
            assert max(bent, 1 / bent) <= STRETCH + 0.01, (photo, found)
            assert all(
                part + 2 * MARGINS[stage] <= whole for part, whole in zip(found.inner, found.size)
            )


@pytest.mark.parametrize(
    "wanted, painted, square",
    [(2000, 1280, 1104), (1280, 1280, 1104), (1100, 1024, 1104), (900, 1024, 880), (500, 768, 672)],
)
def test_wanted_side_picks_the_nearest(wanted, painted, square):
    sizes = engine_sizes(Stage.FINE, LARGE[DeviceClass.DESKTOP])
    assert frame((4000, 3000), Stage.FINE, sizes, wanted).size == (painted, painted * 3 // 4)
    assert frame((2000, 1999), Stage.FINE, sizes, wanted).size == (square, square)


@pytest.mark.parametrize("stage", PAINTING)
@pytest.mark.parametrize("kind", DeviceClass)
def test_square_takes_no_longer_than_four_to_three(kind, stage):
    sizes = engine_sizes(stage, LARGE[kind])
    areas = [width * height for width, height in sizes]
    assert max(areas) <= 1.04 * areas[0]


def test_graph_of_both_stages_has_a_size_for_each():
    """Without the deep weights one graph paints motifs at 240 px and strokes at 768 px."""
    sizes = graph_sizes(gatys_graph(CLASSIC, "average"), CLASSIC, NANO)
    assert frame((4000, 3000), Stage.COARSE, sizes, 240).size == (240, 176)
    assert frame((4000, 3000), Stage.FINE, sizes, 1280).size == (768, 576)


def test_sides_are_those_that_the_memory_allows():
    def sides(kind, memory_mib):
        return [max(s) for s in engine_sizes(Stage.FINE, Device(kind, memory_mib))[::7]]

    assert sides(DeviceClass.NANO, 3956) == [768]
    assert sides(DeviceClass.ORIN, 3400) == [768]
    assert sides(DeviceClass.ORIN, 7600) == [1024, 768]
    assert sides(DeviceClass.ORIN, 15600) == [1280, 1024, 768]
    assert sides(DeviceClass.DESKTOP, 8100) == [1280, 1024, 768]


@pytest.mark.parametrize("kind", DeviceClass)
@pytest.mark.parametrize("stage", Stage)
def test_sizes_are_multiples_and_the_frequent_aspects_come_first(kind, stage):
    sizes = engine_sizes(stage, LARGE[kind])
    assert len(set(sizes)) == len(sizes)
    step = 32 if stage is Stage.FACES else SIDE_STEP
    assert all(side % step == 0 for size in sizes for side in size)
    if stage in ONLY_SIZES:
        assert sizes == (ONLY_SIZES[stage],)
        return
    for size, (across, down) in zip(sizes, FREQUENT_ASPECTS):
        assert abs(size[0] * down / (size[1] * across) - 1) < 0.05


def test_a_nano_needs_24_engines_to_paint():
    graphs = [gatys_graph(objective, "average") for objective in (DEEP, CLASSIC)]
    counts = [len(graph_sizes(graph, DEEP, NANO)) for graph in graphs]
    # A features graph has the sizes of its gatys graph: the photo's targets come from it.
    assert counts == [5, 7] and 2 * sum(counts) == 24
    assert len(graph_sizes(generator_graph("vintage"), DEEP, NANO)) == 5


def test_graph_serves_the_stages_of_its_objective():
    deep, classic = (gatys_graph(objective, "average") for objective in (DEEP, CLASSIC))
    assert stages_of(deep, DEEP) == (Stage.COARSE,)
    assert stages_of(classic, DEEP) == (Stage.FINE,)
    assert stages_of(classic, CLASSIC) == (Stage.COARSE, Stage.FINE)
    assert stages_of(deep, CLASSIC) == (Stage.COARSE,)
    assert stages_of(generator_graph("vintage"), DEEP) == (Stage.GENERATOR,)
    assert stages_of(faces_graph(), DEEP) == (Stage.FACES,)
    assert stages_of(style_vector_graph(), DEEP) == (Stage.STYLE_VECTOR,)
    assert stages_of(sketch_graph(), DEEP) == (Stage.SKETCH,)


@pytest.mark.parametrize(
    "capability, l4t, kind",
    [
        ("5.3", "R32.6.1", DeviceClass.NANO),
        ("6.2", "R32.7.1", DeviceClass.NANO),
        ("8.7", "R36.4.3", DeviceClass.ORIN),
        ("11.0", "R38.2.0", DeviceClass.ORIN),
        ("8.6", "", DeviceClass.DESKTOP),
    ],
)
def test_class_follows_from_the_machine(capability, l4t, kind):
    host = EngineHost("8.2.1.8", "8201", capability, "a GPU", l4t)
    assert Device.of(host, 4096) == Device(kind, 4096)
