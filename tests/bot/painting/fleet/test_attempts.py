"""How often a job is tried by the painters of a fleet, over the scheduler."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import FleetError
from bot.painting.fleet import pictures
from bot.storage.jobs import JobState
from tests.support.fleet.painters import HANG, Client
from tests.support.fleet.workshop import Workshop


@pytest.fixture()
async def workshop(server, tmp_path):
    workshop = Workshop(server.url, tmp_path)
    await workshop.open()
    yield workshop
    await workshop.close()


async def test_a_job_that_ends_three_painters_is_given_up_and_the_next_is_painted(workshop):
    job = await workshop.order(1)
    painting = asyncio.ensure_future(workshop.paint_all(1))
    for name in ("a", "b", "c"):
        client = Client()
        client.hold()
        painter = workshop.hire(name, client)
        await asyncio.wait_for(client.began.wait(), HANG)
        painter.cancel()
        await asyncio.wait([painter])
    await asyncio.wait_for(painting, HANG)
    ended = await workshop.jobs.get(job.id)
    assert ended.state is JobState.FINISHED and ended.ending.label == "failed"
    last = workshop.hire("d", Client())
    await workshop.order(1)
    await asyncio.wait_for(workshop.paint_all(1), HANG)
    assert workshop.begun[-1][1] == "d"
    last.cancel()


async def test_a_job_that_never_reaches_a_painter_is_not_given_up(workshop, monkeypatch):
    client = Client()
    refused = []
    put_all = pictures.Bucket.put_all

    async def put_while_there_is_room(*arguments):
        # The first tries of a job that is given up at the third.
        if len(refused) < 4:
            refused.append(arguments)
            raise FleetError("The server is full.")
        return await put_all(*arguments)

    monkeypatch.setattr(pictures.Bucket, "put_all", put_while_there_is_room)
    painters = [workshop.hire(name, client) for name in "abcde"]
    await workshop.painters(5)
    job = await workshop.order(1)
    await asyncio.wait_for(workshop.paint_all(1), HANG)
    ended = await workshop.jobs.get(job.id)
    assert len(refused) == 4 and ended.ending.label == "painted" and ended.attempts == 1
    for painter in painters:
        painter.cancel()
