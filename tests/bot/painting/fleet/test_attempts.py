"""How often a job is tried by the painters of a fleet, over the scheduler."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import FleetError, PainterDied
from bot.outcomes import FAILED, PAINTED
from bot.painting.fleet import pictures
from tests.support.fleet.painters import HANG, Client
from tests.support.fleet.workshop import Workshop


@pytest.fixture()
async def workshop(server, tmp_path):
    workshop = Workshop(server.url, tmp_path)
    await workshop.open()
    yield workshop
    await workshop.close()


async def test_a_job_that_kills_three_painters_is_given_up_and_the_next_is_painted(workshop):
    clients = {name: Client() for name in "abc"}
    for client in clients.values():
        client.errors.append(PainterDied("It was killed."))
    painters = [workshop.hire(name, client) for name, client in clients.items()]
    await workshop.painters(3)
    job = await workshop.order(1)
    await asyncio.wait_for(workshop.paint_all(1), HANG)
    assert {painter for _, painter, _ in workshop.begun} == set(clients)
    assert (await workshop.jobs.get(job.id)).ending == FAILED
    job = await workshop.order(1)
    await asyncio.wait_for(workshop.paint_all(1), HANG)
    assert (await workshop.jobs.get(job.id)).ending == PAINTED
    for painter in painters:
        painter.cancel()


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
    assert len(refused) == 4 and ended.ending == PAINTED and ended.attempts == 1
    for painter in painters:
        painter.cancel()
