"""A painter that sends anything: its own jobs fail, and nothing else does."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import random
from pathlib import Path

import pytest

from bot.errors import BotError, FleetError
from bot.painting.fleet.link import Link
from bot.painting.fleet.pictures import Bucket, inside
from bot.painting.fleet.subjects import from_painter, to_painter
from bot.painting.painters import Needs
from tests.support.fleet.painters import HANG

FIRST = json.loads((Path(__file__).parent / "version_1.json").read_text())
DEEP = "[" * 100_000 + "]" * 100_000
JUNK = [
    *(None, True, -1, 5, 1 << 70, 1e308, float("nan"), 10**400),
    *("", "x" * 100_000, "\ud800", "../../photo.png", "..", "/etc/passwd", "a/b", "\x00"),
    *([], ["x"] * 10_000, {}, {"preview": "../x"}, {"preview": 5}, {"message": {}}, [[[]]]),
]
ROUNDS = 150


def spoilt(chance, message):
    """A message as bytes that has something wrong."""
    message = copy.deepcopy(message)
    inside = [message, *(each for each in message.values() if isinstance(each, dict) and each)]
    values = chance.choice(inside)
    values[chance.choice(sorted(values))] = chance.choice(JUNK)
    data = json.dumps(message).encode()
    return chance.choice((data, data, data, data[: chance.randrange(len(data))], DEEP.encode()))


async def test_whatever_a_painter_sends_others_paint_and_its_jobs_end(office):
    chance = random.Random(16)
    office.hire("nano")
    evil = Link(office.url, "evil")
    await evil.open()
    hello = {"version": 1, "kind": "hello", "session": "e", "about": {"generators": ["evil"]}}
    jobs = []

    async def hear(raw):
        message = json.loads(raw.data)
        if message["kind"] == "work":
            jobs.append(message["job"])

    await evil.subscribe("jetbrush.job.evil", hear)
    await evil.subscribe(to_painter("evil"), hear)
    request = office.request()
    outside = set(Path(request.photo).parent.iterdir())
    place = None
    while place is None:
        await evil.client.publish(from_painter("evil"), json.dumps(hello).encode())
        await asyncio.sleep(0.05)
        place = office.fleet.reserve(Needs(model="evil"))
    job = asyncio.ensure_future(place.submit(request, on_progress=lambda _: None))
    while not jobs:
        await asyncio.sleep(0.02)
    # Its bucket has something for each name, and nothing fits.
    picture = office.folder / "picture"
    picture.write_bytes(b"no picture")
    bucket = Bucket(evil, "evil")
    await bucket.put("x", picture)
    await evil.client.publish("$O.jetbrush-evil.M.eA==", b'{"chunks": 1e9, "nuid": ">"}')
    for _ in range(ROUNDS):
        message = {**chance.choice(FIRST), "job": jobs[0]}
        with contextlib.suppress(ValueError):
            await evil.client.publish(from_painter("evil"), spoilt(chance, message))
        await evil.client.publish(from_painter("evil"), json.dumps(hello).encode())
    painted = await asyncio.wait_for(office.paint(), HANG)
    assert painted[0] == "nano"
    ended = {"version": 1, "kind": "ended", "job": jobs[0], "how": "painted", "file": "x"}
    ended["details"] = {"seconds": 1, "steps": 1, "width": 60, "height": 40}
    while not job.done():
        with contextlib.suppress(asyncio.TimeoutError):
            data = json.dumps(ended).encode()
            await evil.client.request(from_painter("evil"), data, timeout=0.2)
    assert isinstance(job.exception(), BotError)
    place.leave()
    # No handler has failed, and nothing was written.
    assert office.fleet._link.problem is None
    assert set(Path(request.photo).parent.iterdir()) == outside
    assert sorted(each.name for each in office.fleet.roster.all) == ["evil", "nano"]
    await evil.close()


@pytest.mark.parametrize("name", ["../x", "..", "/etc/passwd", "a/b", ""])
def test_no_job_names_a_file_outside_of_its_folder(tmp_path, name):
    with pytest.raises(FleetError, match="not a file's name"):
        inside(tmp_path, name)


def test_files_of_a_job_and_its_folder_are_inside(tmp_path):
    assert inside(tmp_path, "j-0.jpg") == str(tmp_path / "j-0.jpg")
    assert inside(tmp_path, ".") == str(tmp_path)
