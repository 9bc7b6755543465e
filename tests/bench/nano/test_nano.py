"""The forecast for the Nano: its tables, and what they depend on."""

from __future__ import annotations

import re

import pytest

from export.graphs.gatys import write_graphs
from export.sources.vgg import load_vgg19
from runtime.spec.engine_sizes import Stage
from runtime.spec.vgg import AVERAGE, CLASSIC
from tests.bench.nano import forecast
from tests.bench.nano.__main__ import main


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    write_graphs(CLASSIC, AVERAGE, load_vgg19(CLASSIC), folder)
    return folder


def test_prints_stages_pictures_and_the_time_to_build(graphs, capsys):
    assert main(["--engines", str(graphs)]) == 0
    said = capsys.readouterr().out
    assert len(re.findall(r"^\| coarse \| ", said, re.MULTILINE)) == 3
    assert len(re.findall(r"^\| fine \| ", said, re.MULTILINE)) == 4
    assert len(re.findall(r"^\| \d+x\d+ \|.* s \|$", said, re.MULTILINE)) == 4
    assert re.search(
        r"the 2 engines of the first photo \d+ min, all 24 of painting \d+\.\d h", said
    )


def test_prints_the_sketches_where_their_graphs_are(sketch_engines, capsys):
    assert main(["--engines", str(sketch_engines)]) == 0
    said = capsys.readouterr().out
    assert (
        len(re.findall(r"^\| \d+x\d+ \| [\d.]+ \| [\d.]+ GB \|.* s \|$", said, re.MULTILINE)) == 3
    )
    assert re.search(r"The numbers of a style: 0\.\d+ s", said)


def test_a_picture_that_takes_too_long_fails(graphs, capsys):
    assert main(["--engines", str(graphs), "--most", "1"]) == 1


def test_seconds_are_those_of_the_evaluations_and_the_targets(graphs):
    def both(coarse, fine):
        return forecast.paintings(graphs, CLASSIC, {Stage.COARSE: coarse, Stage.FINE: fine})[0]

    (few, fine), (many, same) = both(10, 8), both(20, 8)
    assert fine.size == (768, 576) and few.size == (240, 176)
    assert many.seconds - few.seconds == pytest.approx(10 * few.seconds_each)
    assert same == fine
    # Its work grows with the pixels.
    assert fine.seconds_each / few.seconds_each == pytest.approx(768 * 576 / 240 / 176, rel=0.05)
    assert forecast.memory_mib(few) < forecast.memory_mib(fine) < forecast.NANO.memory_mib
