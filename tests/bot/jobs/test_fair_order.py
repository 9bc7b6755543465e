from __future__ import annotations

import random
import time

import pytest

from bot.jobs.fair_order import FairQueue, fair_order
from bot.outcomes import CANCELLED, PAINTED
from bot.painting.painters import LocalPainter
from bot.storage.jobs import Jobs, Limits
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
    return list(enumerate(users, start=1))


def turn_by_turn(queue, last_served):
    """Slow and plain: each time the oldest job of the user served longest ago."""
    served, left, now = dict(last_served), list(queue), 1e12
    while left:
        job, user = chosen = min(left, key=lambda each: (served.get(each[1], 0), each[0]))
        left.remove(chosen)
        now += 1
        served[user] = now
        yield job


def test_turns_are_of_the_user_served_longest_ago():
    chance = random.Random(7)
    for _ in range(100):
        queue = waiting(*(chance.randrange(6) for _ in range(chance.randrange(20))))
        served = {user: float(chance.randrange(3)) for user in range(chance.randrange(6))}
        assert fair_order(queue, served) == list(turn_by_turn(queue, served))


def seconds_to_order(count):
    """The processor time that a queue of `count` jobs takes, the least of some."""
    queue = waiting(*(number % 500 for number in range(count)))
    taken = []
    for _ in range(7):
        begin = time.process_time()
        assert len(fair_order(queue, {})) == count
        taken.append(time.process_time() - begin)
    return min(taken)


def test_time_to_order_a_queue_does_not_grow_with_its_square():
    # Ten times the jobs take about ten times as long; by the square it would be a hundred.
    assert seconds_to_order(10_000) < 50 * seconds_to_order(1_000)


async def test_a_job_cancelled_at_the_last_moment_leaves_its_turn_to_the_next(
    jobs, queue, monkeypatch
):
    first, second = await submit(jobs, 1, 2)
    look = jobs.queued

    async def and_then_cancelled(ids):
        found = await look(ids)
        await jobs.finish(first.id, CANCELLED)
        return found

    monkeypatch.setattr(jobs, "queued", and_then_cancelled)
    assert (await claim(queue)).id == second.id


async def test_a_job_that_nobody_is_free_to_paint_lets_the_next_one_pass(jobs, queue):
    first, second = await submit(jobs, 1, 2)

    def reserve(job):
        return None if job.id == first.id else LocalPainter(None)

    claimed, _place = await queue.claim(reserve)
    assert claimed.id == second.id and await queue.claim(reserve) is None


async def test_the_one_job_that_can_be_painted_is_found_behind_many_others(database):
    jobs = Jobs(database, Limits(per_user=100, in_all=100))
    *_others, last = await submit(jobs, *range(50))

    def reserve(job):
        return LocalPainter(None) if job.id == last.id else None

    claimed, _place = await FairQueue(jobs).claim(reserve)
    assert claimed.id == last.id


async def test_a_job_of_a_lost_painter_keeps_its_turn(jobs, queue):
    first, *_others = await submit(jobs, 1, 2, 3)
    assert (await claim(queue)).id == first.id
    await jobs.hand_back(first.id, count_attempt=True, keep_turn=False)
    assert (await claim(queue)).id == first.id
    await jobs.hand_back(first.id, count_attempt=True)
    assert (await claim(queue)).id != first.id
