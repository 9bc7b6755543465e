"""Sketches beside a painting: with a program that speaks the protocol, and with the real painter."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.errors import PainterDied, PaintingFailed
from bot.painting import sketcher
from bot.painting.client import PainterClient, painter_command
from bot.painting.protocol import PaintRequest, StyleFile
from bot.painting.sketcher import Sketcher
from runtime import StylizeOptions
from tests.support.painters.requests import request, sketch_request
from tests.support.pictures import photo

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FAKE = (sys.executable, str(ROOT / "tests" / "support" / "painters" / "fake_painter.py"))
#: Seconds after which something that should end counts as hanging.
HANG = 60.0


@pytest.fixture()
async def fake():
    painter_client = PainterClient(FAKE)
    yield painter_client
    await painter_client.close()


async def begin(painter_client, wanted):
    """Submit a painting and wait for its first step."""
    began = asyncio.Event()
    running = asyncio.ensure_future(
        painter_client.submit(wanted, on_progress=lambda _: began.set())
    )
    await asyncio.wait_for(began.wait(), HANG)
    return running


async def test_a_sketch_is_answered_while_a_painting_runs(fake, tmp_path):
    running = await begin(fake, request("sleep"))
    for name in ("one", "two"):
        await fake.sketch(sketch_request(tmp_path / f"{name}.jpg"), within=HANG)
    assert not running.done() and (tmp_path / "two.jpg").read_bytes() == b"sketched"
    running.cancel()
    await asyncio.wait({running})


async def test_an_overdue_sketch_is_dropped_and_harms_no_other(fake, tmp_path):
    await fake.start()
    with pytest.raises(PaintingFailed, match=r"0\.2 s and is dropped") as caught:
        await fake.sketch(sketch_request(tmp_path / "never.jpg"), within=0.2)
    assert caught.value.retriable
    await fake.sketch(sketch_request(tmp_path / "other.jpg"), within=HANG)


async def test_a_sketch_that_cannot_be_made_says_why(fake, tmp_path):
    with pytest.raises(PaintingFailed, match="no graph") as caught:
        await fake.sketch(sketch_request(tmp_path / "no graph.jpg"), within=HANG)
    assert not caught.value.retriable


async def test_a_kill_during_a_sketch_loses_nothing(fake, tmp_path):
    running = await begin(fake, request("sleep"))
    pid = fake.pid
    wanted = sketch_request(tmp_path / "kill once.jpg")
    await fake.sketch(wanted, within=HANG)
    # The sketch was asked for again; the painting is the scheduler's to begin again.
    assert Path(wanted.output).read_bytes() == b"sketched" and fake.pid != pid
    with pytest.raises(PainterDied) as caught:
        await running
    assert caught.value.retriable


async def test_a_closed_painter_sketches_no_more(fake, tmp_path):
    asked = asyncio.ensure_future(fake.sketch(sketch_request(tmp_path / "never.jpg"), within=HANG))
    await fake.start()
    await fake.close()
    with pytest.raises(PainterDied):
        await asyncio.wait_for(asked, HANG)


@pytest.fixture()
def studio(tmp_path):
    """A folder with a photo and two styles."""
    photo(180, 140).save(tmp_path / "photo.jpg")
    photo(80, 80, "nagasaki-boats.jpg").save(tmp_path / "boats.jpg")
    Image.new("RGB", (64, 64), "#c33").save(tmp_path / "red.png")
    return tmp_path


async def test_the_real_child_draws_a_numbered_sheet_while_it_paints(sketch_engines, studio):
    painter_client = PainterClient(painter_command(sketch_engines))
    painting = PaintRequest(
        photo=str(studio / "photo.jpg"),
        styles=(StyleFile(str(studio / "boats.jpg")),),
        output=str(studio / "result.png"),
        previews=str(studio),
        options=StylizeOptions(size=96, steps=1000, backend="onnxrt"),
    )
    styles = [studio / name for name in ("boats.jpg", "red.png", "boats.jpg", "red.png")]
    sheet = sketch_request(studio / "sheet.jpg", studio / "photo.jpg", styles, size=96)
    try:
        running = await begin(painter_client, painting)
        await painter_client.sketch(sheet, within=HANG)
        assert not running.done()
        running.cancel()
        await asyncio.wait({running})
    finally:
        await painter_client.close()
    with Image.open(sheet.output) as drawn:
        width, height = 96, round(96 * 140 / 180)
        assert drawn.size == (3 * (width + 12) + 12, 2 * (height + 12) + 12)
        cells = [
            np.asarray(drawn.crop((left, top, left + width, top + height)), float)[height // 2 :]
            for top in (12, height + 24)
            for left in (12, width + 24, 2 * width + 36)
        ]
    # Four sketches, and nothing where a fifth would be.
    assert [cell.mean() > 250 for cell in cells] == [False] * 4 + [True] * 2


class Answers(list):
    """What the sketcher says, in this process."""

    def say(self, kind, **fields):
        self.append((kind, fields))


def test_a_dropped_request_is_not_drawn_and_a_style_is_seen_once(
    sketch_engines, studio, monkeypatch
):
    answers, seen = Answers(), []
    read = sketcher.read_picture
    monkeypatch.setattr(
        sketcher,
        "read_picture",
        lambda role, path: seen.append(Path(path).name) or read(role, path),
    )
    drawing = Sketcher(sketch_engines, answers.say)
    for number in (1, 2, 3):
        wanted = sketch_request(
            studio / f"{number}.jpg", studio / "photo.jpg", [studio / "red.png"]
        )
        drawing.add(number, wanted)
    drawing.drop(2)
    drawing.start()
    while len(answers) < 2:
        drawing.let_finish()
    assert answers == [("sketched", {"number": 1}), ("sketched", {"number": 3})]
    assert seen == ["photo.jpg", "red.png", "photo.jpg"] and not (studio / "2.jpg").exists()


def test_without_the_networks_a_request_is_refused_at_once(engines, studio):
    answers = Answers()
    drawing = Sketcher(engines, answers.say)
    drawing.add(1, sketch_request(studio / "1.jpg", studio / "photo.jpg", [studio / "red.png"]))
    drawing.start()
    while not answers:
        drawing.let_finish()
    ((kind, fields),) = answers
    assert kind == "unsketched" and "make weights onnx WEIGHTS=sketch" in fields["message"]


@pytest.fixture()
def ended(monkeypatch):
    """Set when the process would end."""
    event = threading.Event()
    monkeypatch.setattr(sketcher.os, "_exit", lambda status: event.set())
    return event


def test_a_decoder_that_does_not_end_ends_the_process(sketch_engines, studio, monkeypatch, ended):
    def hangs(role, path):
        ended.wait(HANG)
        raise OSError("The process is still there.")

    monkeypatch.setattr(sketcher, "DECODING", 0.05)
    monkeypatch.setattr(sketcher, "read_picture", hangs)
    drawing = Sketcher(sketch_engines, Answers().say)
    drawing.add(1, sketch_request(studio / "1.jpg", studio / "photo.jpg", [studio / "red.png"]))
    drawing.start()
    assert ended.wait(HANG)


def test_a_mistake_in_the_code_ends_the_process(engines, studio, monkeypatch, ended, caplog):
    def fails(graph, folder):
        raise ZeroDivisionError

    monkeypatch.setattr(sketcher, "onnx_path", fails)
    drawing = Sketcher(engines, Answers().say)
    drawing.add(1, sketch_request(studio / "1.jpg", studio / "photo.jpg", [studio / "red.png"]))
    drawing.start()
    assert ended.wait(HANG)
    assert "ZeroDivisionError" in caplog.text
