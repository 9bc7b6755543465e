from __future__ import annotations

import random
import time

import pytest

from bot.errors import QueueFull, UserQueueFull
from bot.painting.protocol import TRANSLATE
from bot.storage.jobs import (
    ANSWERED,
    CANCELLED,
    FAILED,
    FINISHED,
    MOST_ATTEMPTS,
    PAINTED,
    QUEUED,
    RUNNING,
    Job,
    Jobs,
    Limits,
    fair_order,
)
from bot.storage.users import StyleChoice
from tests.support.bot.orders import order


@pytest.fixture()
def jobs(database):
    return Jobs(database, Limits(per_user=3, in_all=5))


async def submit(jobs, *users):
    return [(await jobs.submit(order(user)))[0] for user in users]


async def test_an_order_comes_back_as_it_was_given(jobs):
    given = order(kind=TRANSLATE, model="horse2zebra", style=None, of_album=True)
    job, new = await jobs.submit(given)
    assert new
    assert job.order == given
    assert (job.state, job.attempts) == (QUEUED, 0)
    styled = order(style=StyleChoice(picture=12))
    assert (await jobs.submit(styled))[0].order == styled


async def test_the_same_order_twice_is_one_job_even_when_answered(jobs):
    given = order()
    job, _new = await jobs.submit(given)
    await jobs.finish(job.id, PAINTED)
    await jobs.answered(job.id)
    again, new = await jobs.submit(given)
    assert (again.id, new) == (job.id, False)


async def test_limits_of_a_user_and_of_all(jobs):
    await submit(jobs, 1, 1, 1)
    with pytest.raises(UserQueueFull) as full:
        await submit(jobs, 1)
    assert full.value.limit == 3
    await submit(jobs, 2, 2)
    with pytest.raises(QueueFull) as full:
        await submit(jobs, 3)
    assert full.value.limit == 5
    await jobs.finish((await jobs.claim()).id, PAINTED)
    await submit(jobs, 3)


async def test_users_take_turns(jobs):
    a1, a2, a3, b1, c1 = await submit(jobs, 1, 1, 1, 2, 3)
    assert [job.id for job in await jobs.queue()] == [a1.id, b1.id, c1.id, a2.id, a3.id]
    taken = []
    for _ in range(5):
        expected = (await jobs.queue())[0]
        job = await jobs.claim()
        assert job.id == expected.id
        await jobs.finish(job.id, PAINTED)
        taken.append(job.order.user_id)
    assert taken == [1, 2, 3, 1, 1]
    assert await jobs.claim() is None


async def test_a_job_runs_once_and_is_answered_once(jobs):
    (job,) = await submit(jobs, 1)
    claimed = await jobs.claim()
    assert (claimed.id, claimed.state, claimed.attempts) == (job.id, RUNNING, 1)
    assert await jobs.claim() is None
    assert await jobs.finish(job.id, PAINTED)
    assert not await jobs.finish(job.id, FAILED)
    assert [each.outcome for each in await jobs.to_answer()] == [PAINTED]
    await jobs.answered(job.id)
    assert await jobs.to_answer() == []
    assert await jobs.active() == []
    assert (await jobs.get(job.id)).state == ANSWERED


async def test_a_cancelled_job_is_neither_taken_nor_handed_back(jobs):
    first, second = await submit(jobs, 1, 2)
    await jobs.finish(second.id, CANCELLED)
    await jobs.claim()
    await jobs.finish(first.id, CANCELLED)
    await jobs.hand_back(first.id, count_attempt=True)
    assert (await jobs.get(first.id)).state == FINISHED
    assert await jobs.claim() is None


async def test_what_ran_when_the_bot_died_is_queued_again_until_its_last_attempt(jobs):
    (job,) = await submit(jobs, 1)
    for attempt in range(1, MOST_ATTEMPTS):
        assert (await jobs.claim()).attempts == attempt
        assert await jobs.recover() == 0
        assert (await jobs.get(job.id)).state == QUEUED
    await jobs.claim()
    assert await jobs.recover() == 1
    assert (await jobs.get(job.id)).outcome == FAILED


async def test_a_job_handed_back_by_a_stopping_bot_has_its_attempt_back(jobs):
    (job,) = await submit(jobs, 1)
    await jobs.claim()
    await jobs.hand_back(job.id, count_attempt=False)
    assert (await jobs.get(job.id)).attempts == 0
    await jobs.claim()
    await jobs.hand_back(job.id, count_attempt=True)
    assert (await jobs.get(job.id)).attempts == 1


def waiting(*users):
    return [
        Job(number, order(user), QUEUED, None, 0, None, 0.0, None, None)
        for number, user in enumerate(users, start=1)
    ]


def turn_by_turn(jobs, last_served):
    """Slow and plain: each time the oldest job of the user served longest ago."""
    served, left, now = dict(last_served), list(jobs), 1e12
    while left:
        chosen = min(left, key=lambda job: (served.get(job.order.user_id, 0.0), job.id))
        left.remove(chosen)
        now += 1
        served[chosen.order.user_id] = now
        yield chosen.id


def test_turns_are_of_the_user_served_longest_ago():
    chance = random.Random(7)
    for _ in range(100):
        jobs = waiting(*(chance.randrange(6) for _ in range(chance.randrange(20))))
        served = {user: float(chance.randrange(3)) for user in range(chance.randrange(6))}
        assert [job.id for job in fair_order(jobs, served)] == list(turn_by_turn(jobs, served))


def test_a_long_queue_is_put_in_order_at_once():
    jobs = waiting(*(number % 500 for number in range(5000)))
    begin = time.process_time()
    assert len(fair_order(jobs, {})) == len(jobs)
    assert time.process_time() - begin < 0.5


async def test_jobs_follow_a_group_that_becomes_a_supergroup(jobs):
    moved, other = [
        (await jobs.submit(order(chat_id=chat_id)))[0] for chat_id in (-5, -6)
    ]  # fmt: skip
    for job in (moved, other):
        await jobs.set_status_message(job.id, 3)
    await jobs.move(-5, -1005)
    moved, other = await jobs.get(moved.id), await jobs.get(other.id)
    assert (moved.order.chat_id, moved.order.reply_to, moved.status_message) == (-1005, 0, None)
    assert (other.order.chat_id, other.order.reply_to, other.status_message) == (-6, 10, 3)


async def test_a_job_cancelled_at_the_last_moment_leaves_its_turn_to_the_next(jobs, monkeypatch):
    first, second = await submit(jobs, 1, 2)
    look = jobs.queue

    async def and_then_cancelled():
        found = await look()
        await jobs.finish(first.id, CANCELLED)
        return found

    monkeypatch.setattr(jobs, "queue", and_then_cancelled)
    assert (await jobs.claim()).id == second.id
