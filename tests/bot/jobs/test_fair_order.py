from __future__ import annotations

import random
import time

import pytest

from bot.jobs.fair_order import FairQueue, fair_order
from bot.outcomes import CANCELLED, PAINTED
from bot.painting.painters import LocalPainter
from bot.storage.jobs import Job, Jobs, JobState, Limits
from tests.support.bot.orders import order


@pytest.fixture()
def jobs(database):
    return Jobs(database, Limits(per_user=3, in_all=5))


@pytest.fixture()
def queue(jobs):
    return FairQueue(jobs)


async def claim(queue):
    """The next job, with nobody to wait for; `None` when none waits."""
    claimed = await queue.claim(lambda _job: LocalPainter(None))
    return None if claimed is None else claimed[0]


async def submit(jobs, *users):
    return [(await jobs.submit(order(user)))[0] for user in users]


async def test_users_take_turns(jobs, queue):
    a1, a2, a3, b1, c1 = await submit(jobs, 1, 1, 1, 2, 3)
    assert [job.id for job in await queue.waiting()] == [a1.id, b1.id, c1.id, a2.id, a3.id]
    taken = []
    for _ in range(5):
        expected = (await queue.waiting())[0]
        job = await claim(queue)
        assert job.id == expected.id
        await jobs.finish(job.id, PAINTED)
        taken.append(job.order.user_id)
    assert taken == [1, 2, 3, 1, 1]
    assert await claim(queue) is None


def waiting(*users):
    return [
        Job(number, order(user), JobState.QUEUED, None, 0, None, 0.0, None, None)
        for number, user in enumerate(users, start=1)
    ]


def turn_by_turn(jobs, last_served):
    """Slow and plain: each time the oldest job of the user served longest ago."""
    served, left, now = dict(last_served), list(jobs), 1e12
    while left:
        chosen = min(left, key=lambda job: (served.get(job.order.user_id, 0), job.id))
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


def seconds_to_order(count):
    """The processor time that a queue of `count` jobs takes, the least of some."""
    jobs = waiting(*(number % 500 for number in range(count)))
    taken = []
    for _ in range(7):
        begin = time.process_time()
        assert len(fair_order(jobs, {})) == count
        taken.append(time.process_time() - begin)
    return min(taken)


def test_time_to_order_a_queue_does_not_grow_with_its_square():
    # Ten times the jobs take about ten times as long; by the square it would be a hundred.
    assert seconds_to_order(10_000) < 50 * seconds_to_order(1_000)


async def test_a_job_cancelled_at_the_last_moment_leaves_its_turn_to_the_next(
    jobs, queue, monkeypatch
):
    first, second = await submit(jobs, 1, 2)
    look = queue.waiting

    async def and_then_cancelled():
        found = await look()
        await jobs.finish(first.id, CANCELLED)
        return found

    monkeypatch.setattr(queue, "waiting", and_then_cancelled)
    assert (await claim(queue)).id == second.id


async def test_a_job_that_nobody_is_free_to_paint_lets_the_next_one_pass(jobs, queue):
    first, second = await submit(jobs, 1, 2)

    def reserve(job):
        return None if job.id == first.id else LocalPainter(None)

    claimed, _place = await queue.claim(reserve)
    assert claimed.id == second.id and await queue.claim(reserve) is None


async def test_a_job_of_a_lost_painter_keeps_its_turn(jobs, queue):
    first, *_others = await submit(jobs, 1, 2, 3)
    assert (await claim(queue)).id == first.id
    await jobs.hand_back(first.id, count_attempt=True, keep_turn=False)
    assert (await claim(queue)).id == first.id
    await jobs.hand_back(first.id, count_attempt=True)
    assert (await claim(queue)).id != first.id
