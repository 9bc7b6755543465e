"""Messages of the first release, as its bot and painters sent them: version_1.json never changes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from bot.errors import FleetError, PaintingError, PictureRefused
from bot.painting.fleet.endings import result_of
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import Sketch, Work, decode, encode
from bot.painting.fleet.subjects import from_painter, job_subject, to_painter
from bot.painting.protocol import PaintRequest, PaintResult, SketchRequest
from tests.support.fleet.painters import HANG

FIRST = json.loads((Path(__file__).parent / "version_1.json").read_text())


def old(kind, number=0):
    return [each for each in FIRST if each["kind"] == kind][number]


@pytest.mark.parametrize("values", FIRST, ids=lambda values: values["kind"])
def test_messages_of_the_first_release_are_understood(values):
    message = decode(json.dumps(values).encode())
    # What this release has added has a default.
    assert json.loads(json.dumps(values)).items() <= json.loads(encode(message)).items()


@pytest.mark.parametrize("values", FIRST, ids=lambda values: values["kind"])
def test_fields_of_a_later_release_are_ignored(values):
    message = decode(json.dumps({**values, "invented": [1]}).encode())
    assert "invented" not in asdict(message)


def test_requests_of_the_first_release_can_be_painted():
    work = decode(json.dumps(old("work")).encode())
    sketch = decode(json.dumps(old("sketch")).encode())
    assert isinstance(work, Work) and isinstance(sketch, Sketch)
    assert PaintRequest.from_message(work.request).inputs == ("j-0", "j-1.jpg")
    assert SketchRequest.from_message(sketch.request).inputs == ("k-0", "k-1.jpg")


def test_endings_of_the_first_release_mean_the_same():
    endings = [decode(json.dumps(each).encode()) for each in FIRST if each["kind"] == "ended"]
    assert result_of(endings[0]) == PaintResult(seconds=38.1, steps=90, width=60, height=40)
    for ending, error in zip(endings[1:], (PictureRefused, PaintingError, PaintingError)):
        with pytest.raises(error, match=ending.details["message"]):
            result_of(ending)


def test_another_version_is_refused_with_what_helps():
    data = json.dumps({**old("hello"), "version": 2}).encode()
    with pytest.raises(FleetError, match="Install the same release"):
        decode(data)


async def test_a_painter_of_the_first_release_gets_a_job_and_ends_it(office):
    """It says what it said then, word for word but for the number of the job."""
    painter = Link(office.url, "nano")
    await painter.open()
    heard = []

    async def hear(message):
        heard.append(json.loads(message.data))

    await painter.subscribe(to_painter("nano"), hear)
    await painter.subscribe(job_subject("nano"), hear)
    await painter.client.flush()
    # It repeats that it is there: the bot may not listen yet.
    while not heard:
        await painter.client.publish(from_painter("nano"), json.dumps(old("hello")).encode())
        await asyncio.sleep(0.1)
    job = asyncio.ensure_future(office.paint())
    while not [each for each in heard if each["kind"] == "work"]:
        await asyncio.sleep(0.02)
    ended = {**old("ended", 2), "job": heard[-1]["job"]}
    await painter.client.request(from_painter("nano"), json.dumps(ended).encode(), timeout=HANG)
    with pytest.raises(PaintingError, match="No memory"):
        await job
    assert heard[0].keys() >= old("welcome").keys()
    (work,) = [each for each in heard if each["kind"] == "work"]
    assert work.keys() >= old("work").keys()
    assert work["request"].keys() >= old("work")["request"].keys()
    await painter.close()
