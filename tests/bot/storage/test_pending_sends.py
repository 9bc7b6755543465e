"""Messages that are being sent, and the numbers of those that were."""

from __future__ import annotations

import pytest

from bot.storage.jobs import Jobs, Limits
from bot.storage.pending_sends import About, PendingSends, Subject
from bot.storage.users import Users
from runtime import StylizeOptions
from tests.support.bot.orders import order

SUPERGROUP = -1_000_000_000_005


@pytest.fixture()
def sends(database):
    return PendingSends(database)


@pytest.fixture()
def jobs(database):
    return Jobs(database, Limits(9, 9))


async def about(jobs, **changes):
    job, _new = await jobs.submit(order(**changes))
    return About(Subject.JOB, job.id)


async def test_an_answered_send_leaves_its_number_and_no_row(sends, jobs):
    job = await about(jobs)
    send = await sends.begin(job, 1, "{}", 0)
    assert await sends.about(job) == [send]
    await sends.confirm(send, 7)
    assert await sends.about(job) == []
    assert (await jobs.get(job.id)).status_message == 7
    assert (await sends.begin(job, 1, "{}", 0)).newest == 7


async def test_a_send_remembers_the_newest_number_of_its_sequence(sends, jobs):
    job = await about(jobs)
    for chat_id, newest in ((1, 0), (SUPERGROUP, 0)):
        # Nothing is known of what the bot sent before.
        assert (await sends.begin(job, chat_id, "", 5)).newest == newest
    await sends.note(2, [10, 12])
    await sends.note(3, [11])
    await sends.note(SUPERGROUP, [900])
    # Private chats and groups share their numbers; a supergroup has its own.
    assert (await sends.begin(job, 1, "", 5)).newest == 12
    assert (await sends.begin(job, -5, "", 15)).newest == 15
    assert (await sends.begin(job, SUPERGROUP, "", 5)).newest == 900


async def test_the_messages_sent_meanwhile_are_known(sends, jobs):
    job = await about(jobs, user_id=1)
    await sends.note(1, [10])
    send = await sends.begin(job, 1, "", 0)
    await sends.note(1, [11, 12])
    await sends.note(2, [13])
    assert await sends.known(1) == {11, 12} and not await sends.known(2)
    await sends.confirm(send, 14)
    assert await sends.known(1) == {14}


async def test_nothing_is_left_of_a_user_who_is_forgotten(database, sends, jobs):
    job = await about(jobs, user_id=1)
    await sends.begin(job, 1, "", 0)
    await sends.note(1, [11])
    await Users(database, StylizeOptions()).forget(1)
    assert not await sends.about(job) and not await sends.known(1)


async def test_no_number_is_looked_for_in_a_supergroup_that_a_group_became(sends, jobs):
    job = await about(jobs, chat_id=-5)
    await sends.begin(job, -5, "", 0)
    await jobs.move(-5, SUPERGROUP)
    assert not await sends.about(job)
