"""The sketch of each job, in its message while it waits and while it is painted."""

from __future__ import annotations

import asyncio
import io

import numpy as np
import pytest
from PIL import Image

from bot.errors import StoreError
from bot.jobs import first_sketches
from bot.jobs.first_sketches import FirstSketches
from bot.jobs.progress_board import ProgressBoard
from bot.sandbox import Sandbox
from bot.storage.jobs import Jobs, Limits
from bot.storage.results import Results
from tests.support.bot.albums import order_pair
from tests.support.bot.doubles import FakePainterClient, painted_by_double
from tests.support.bot.orders import order
from tests.support.bot.running import running
from tests.support.bot.stage import config_for, jpeg, plain
from tests.support.fleet.workshop import Fetching

STYLE, PHOTO = plain("white"), plain("green")


@pytest.fixture()
async def sandbox():
    async with Sandbox() as sandbox:
        yield sandbox


def shows_a_sketch(sandbox, message):
    """Whether the message holds what the double sketches."""
    if message.kind != "photo":
        return False
    with Image.open(io.BytesIO(sandbox.bytes_of(message.file_id))) as image:
        shown = np.asarray(image, float).mean((0, 1))
    expected = np.asarray(painted_by_double(PHOTO, (255, 255, 255)), float).mean((0, 1))
    return bool(np.abs(shown - expected).max() < 3)


async def test_the_first_thing_to_see_is_the_sketch_also_in_the_queue(sandbox, tmp_path):
    painter_client = FakePainterClient()
    painter_client.sketching = True
    painter_client.hold()
    anna, boris = (sandbox.user(name=name, language_code="en") for name in ("Anna", "Boris"))
    config = config_for(sandbox, tmp_path / "state")
    # Only once a minute is a message edited, but for this.
    async with running(config, painter_client, edit_interval=60):
        await order_pair(anna, [jpeg(STYLE), jpeg(PHOTO)])
        await anna.wait_for(lambda message: "Painting" in message.text)
        await order_pair(boris, [jpeg(STYLE), jpeg(PHOTO)])
        waiting = await boris.wait_for(
            lambda message: (
                "Your place in the queue: 1." in message.text and message.kind == "photo"
            )
        )
        assert shows_a_sketch(sandbox, waiting)
        await anna.wait_for(lambda message: shows_a_sketch(sandbox, message))
        assert len(painter_client.requests) == 1
        await anna.text("/cancel")
        await anna.wait_for(lambda message: "Cancelled." in message.text)
        painter_client.release()
        await boris.wait_for(lambda message: "Your photo" in message.text)
    left = sorted(path.name[:6] for path in (tmp_path / "state" / "results").rglob("*.jpg"))
    assert left == ["sketch", "sketch", "stage-", "stage-"]
    # Each photo and each style, for the sketch and the painting.
    assert len([call for call in sandbox.calls if call.method == "download"]) == 4
    assert not list((tmp_path / "state" / "photos").iterdir())


async def test_a_sketch_from_before_a_restart_is_not_drawn_again(sandbox, tmp_path):
    painter_client = FakePainterClient()
    painter_client.sketching = True
    painter_client.hold()
    anna = sandbox.user(name="Anna", language_code="en")
    config = config_for(sandbox, tmp_path / "state")
    async with running(config, painter_client):
        await order_pair(anna, [jpeg(STYLE), jpeg(PHOTO)])
        await anna.wait_for(lambda message: shows_a_sketch(sandbox, message))
    sketches = len(painter_client.sketched)
    later = FakePainterClient()
    async with running(config, later):
        await anna.wait_for(lambda message: "Your photo" in message.text)
    assert sketches == 1 and later.sketched == []


async def test_a_job_is_painted_without_a_sketch_where_there_is_none(sandbox, tmp_path):
    painter_client = FakePainterClient()
    anna = sandbox.user(name="Anna", language_code="en")
    async with running(config_for(sandbox, tmp_path / "state"), painter_client):
        await order_pair(anna, [jpeg(STYLE), jpeg(PHOTO)])
        await anna.wait_for(lambda message: "Your photo" in message.text)
        for _ in range(200):
            if painter_client.sketched:
                break
            await asyncio.sleep(0.01)
    assert len(painter_client.sketched) == 1


class Painters:
    """Painters that come when a test says so; `sketched` are their requests."""

    def __init__(self):
        self.names = []
        self.sketched = asyncio.Queue()

    def listen(self, listener):
        self.come = listener

    def able(self, _needs):
        return self.names

    async def sketch(self, request, *, within):
        self.sketched.put_nowait(request)


async def test_what_was_ordered_while_no_painter_was_there_is_sketched_when_one_comes(
    database, tmp_path
):
    painters, board = Painters(), ProgressBoard()
    jobs = Jobs(database, Limits(9, 9))
    sketching = FirstSketches(
        jobs=jobs,
        fetching=Fetching(),
        painters=painters,
        results=Results(tmp_path),
        board=board,
    )
    for user in (1, 2):
        await jobs.submit(order(user))
    sketches = asyncio.ensure_future(sketching.run())
    while not sketching._put_off:
        await asyncio.sleep(0.01)
    assert painters.sketched.empty()
    painters.names = ["nano"]
    painters.come()
    for _ in range(2):
        await asyncio.wait_for(painters.sketched.get(), 10)
    sketches.cancel()


async def test_after_a_failure_of_the_database_the_jobs_are_looked_at_again(monkeypatch):
    looked_again = asyncio.Event()

    class FailingJobs:
        failed = False

        async def active(self):
            if not self.failed:
                self.failed = True
                raise StoreError("disk I/O error")
            looked_again.set()
            return []

    monkeypatch.setattr(first_sketches, "_REST", 0.01)
    sketching = FirstSketches(
        jobs=FailingJobs(), fetching=None, painters=Painters(), results=None, board=ProgressBoard()
    )
    running_sketches = asyncio.ensure_future(sketching.run())
    try:
        await asyncio.wait_for(looked_again.wait(), 10)
    finally:
        running_sketches.cancel()
