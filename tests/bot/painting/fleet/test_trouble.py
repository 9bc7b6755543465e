"""What dies, falls silent or comes late between the bot and its painters."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import PainterLost
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import Ended, Hello, Step, encode
from bot.painting.fleet.painter import FleetPainter
from bot.painting.fleet.subjects import from_painter
from tests.support.fleet.painters import HANG, Client, Machine, Office


async def begun(office, heard=None):
    """A job that is being painted, and what it is painted with; its steps go to `heard`."""
    client = office.hire("nano")
    client.hold()
    job = asyncio.ensure_future(office.paint(heard=heard))
    await asyncio.wait_for(client.began.wait(), HANG)
    return client, job


async def test_a_server_that_was_killed_costs_nothing(office, server):
    client, job = await begun(office)
    server.kill()
    while office.fleet._link.up:
        await asyncio.sleep(0.02)
    # An outage that is longer than the lease: nobody is to blame while nobody can be heard.
    (delivery,) = office.fleet._deliveries.values()
    delivery._kept -= 2 * office.lease
    delivery.check()
    await server.start()
    while not office.fleet._link.up:
        await asyncio.sleep(0.02)
    # It finds all that it left there, before the painter has finished.
    await office.fleet._prepare(is_first=False)
    client.release()
    assert (await asyncio.wait_for(job, HANG))[0] == "nano"
    assert len(client.requests) == 1


async def test_a_server_that_lost_its_disk_gets_everything_again(office, server):
    client, job = await begun(office)
    server.kill()
    server.wipe()
    await server.start()
    with pytest.raises(PainterLost):
        await asyncio.wait_for(job, HANG)
    client.release()
    assert (await asyncio.wait_for(office.paint(), HANG))[0] == "nano"


async def test_a_painter_that_stops_hands_its_job_back_at_once(office):
    _client, job = await begun(office)
    await office.stop("nano")
    with pytest.raises(PainterLost) as caught:
        await asyncio.wait_for(job, office.lease * 0.9)
    # Neither the job nor the painter is to blame.
    assert not caught.value.counts
    assert [each.failed for each in office.fleet.states()] == [0]


async def test_a_bot_that_stops_while_it_connects_stops_at_once(server, tmp_path):
    # Some moments are just before and just after an answer of the server's.
    for moment in range(40):
        office = Office(server.url, tmp_path)
        await office.open()
        for _ in range(moment):
            await asyncio.sleep(0)
        await office.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            _ended, left = await asyncio.wait(left, timeout=5)
        assert not left, moment


async def test_a_painter_that_starts_again_has_lost_its_job(office):
    _client, job = await begun(office)
    link = Link(office.url, "other")
    await link.open()
    await link.send(from_painter("nano"), Hello("another session"))
    with pytest.raises(PainterLost, match="started again"):
        await asyncio.wait_for(job, HANG)
    await link.close()


async def test_two_machines_with_the_same_credentials_are_noticed_and_lose_nothing(office, caplog):
    office.hire("nano")
    await asyncio.wait_for(office.paint(), HANG)
    link = Link(office.url, "other")
    await link.open()
    # A copy of its card in another machine; it could have started again as well.
    await link.send(from_painter("nano"), Hello("copied"))
    await link.client.flush()
    painted = [await asyncio.wait_for(office.paint(), HANG) for _ in range(3)]
    assert [name for name, _ in painted] == ["nano"] * 3
    (state,) = office.fleet.states()
    assert state.doubled and state.failed == 0
    assert "Two machines have the credentials of the painter nano" in caplog.text
    await link.close()


async def test_a_bot_that_starts_again_gets_no_result_of_its_former_run(office):
    client, job = await begun(office)
    # As if it had been killed: nobody is told.
    await office.fleet._link.close()
    job.cancel()
    await asyncio.wait([job])
    await office.open()
    while not client.cancelled:
        await asyncio.sleep(0.02)
    client.release()
    assert (await asyncio.wait_for(office.paint(), HANG))[0] == "nano"


async def test_a_result_of_an_attempt_that_is_over_is_discarded(office):
    client, job = await begun(office)
    (delivery,) = office.fleet._deliveries.values()
    link = Link(office.url, "other")
    await link.open()
    stale = Ended(
        "an-older-job", "painted", {"seconds": 1, "steps": 1, "width": 6, "height": 4}, "x"
    )
    answer = await link.client.request(from_painter("nano"), encode(stale), timeout=5)
    assert b"taken" in answer.data and not job.done()
    # Another painter cannot end it either.
    foreign = Ended(delivery.job, "failed", {"message": "Ha!", "retriable": False})
    await link.client.request(from_painter("other"), encode(foreign), timeout=5)
    assert not job.done()
    client.release()
    assert (await asyncio.wait_for(job, HANG))[0] == "nano"
    await link.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b"{}",
        b'{"version": 99, "kind": "hello"}',
        b'{"version": 1, "kind": "hello"}',
        b'{"version": 1, "kind": "hello", "session": "s", "about": {"largest": "huge"}}',
        b'{"version": 1, "kind": "hello", "session": "s", "about": {"generators": [1]}}',
        b'{"version": 1, "kind": "hello", "session": "s", "about": {"seconds": NaN}}',
    ],
)
async def test_garbage_on_the_wire_harms_nobody(office, data, caplog):
    client, job = await begun(office)
    link = Link(office.url, "other")
    await link.open()
    await link.client.publish(from_painter("nano"), data)
    await link.client.publish("jetbrush.to.nano", data)
    await link.client.publish("jetbrush.job.nano", data)
    await link.client.flush()
    client.release()
    assert (await asyncio.wait_for(job, HANG))[0] == "nano"
    assert (await asyncio.wait_for(office.paint(), HANG))[0] == "nano"
    await link.close()


@pytest.mark.parametrize(
    "progress",
    [
        {"share": 1e9, "step": 5, "steps": 10},
        {"share": "half", "step": 5, "steps": 10},
        {"share": 0.5, "step": 5},
        # A file of the bot's own, which it would show to a user.
        {"share": 0.5, "step": 5, "steps": 10, "preview": "/etc/hostname"},
    ],
)
async def test_a_step_that_makes_no_sense_is_not_shown(office, progress):
    heard = []
    client, job = await begun(office, heard)
    while not heard:
        await asyncio.sleep(0.01)
    (delivery,) = office.fleet._deliveries.values()
    link = Link(office.url, "other")
    await link.open()
    await link.send(from_painter("nano"), Step(delivery.job, 99, progress))
    await link.client.flush()
    client.release()
    await asyncio.wait_for(job, HANG)
    assert len(heard) == 1
    await link.close()


async def test_a_painter_that_can_give_no_sign_of_life_ends(server):
    class Broken(Machine):
        def describe(self, backend, seconds):
            raise LookupError("a mistake")

    painter = FleetPainter(Link(server.url, "nano"), Client(), Broken(), "auto")
    with pytest.raises(LookupError, match="a mistake"):
        await asyncio.wait_for(painter.run(), HANG)
