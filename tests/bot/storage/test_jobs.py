from __future__ import annotations

import pytest

from bot.errors import QueueFull, UserQueueFull
from bot.outcomes import CANCELLED, FAILED, PAINTED, PictureRole, Reason, refused
from bot.storage.jobs import MOST_ATTEMPTS, Jobs, JobState, Limits
from bot.storage.styles import StyleChoice, alone
from runtime import TranslateOptions
from tests.support.bot.orders import order


@pytest.fixture()
def jobs(database):
    return Jobs(database, Limits(per_user=3, in_all=5))


async def claim(jobs):
    """Take the oldest queued job; `None` when none waits."""
    queue = await jobs.queue()
    return await jobs.take(queue[0][0]) if queue else None


async def submit(jobs, *users):
    return [(await jobs.submit(order(user)))[0] for user in users]


async def test_an_order_comes_back_as_it_was_given(jobs):
    given = order(options=TranslateOptions(size=300), model="horse2zebra", styles=(), of_album=True)
    job, new = await jobs.submit(given)
    assert new
    assert job.order == given
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
    styled = order(styles=alone(StyleChoice(picture=12)))
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
    await jobs.finish((await claim(jobs)).id, PAINTED)
    await submit(jobs, 3)


async def test_a_job_runs_once_and_is_answered_once(jobs):
    (job,) = await submit(jobs, 1)
    claimed = await claim(jobs)
    assert (claimed.id, claimed.state, claimed.attempts) == (job.id, JobState.RUNNING, 1)
    assert await claim(jobs) is None
    assert await jobs.finish(job.id, PAINTED)
    assert not await jobs.finish(job.id, FAILED)
    assert [(each.state, each.ending) for each in await jobs.active()] == [
        (JobState.FINISHED, PAINTED)
    ]
    await jobs.answered(job.id)
    assert await jobs.active() == []
    assert (await jobs.get(job.id)).state == JobState.ANSWERED


async def test_a_cancelled_job_is_neither_taken_nor_handed_back(jobs):
    first, second = await submit(jobs, 1, 2)
    await jobs.finish(second.id, CANCELLED)
    await claim(jobs)
    await jobs.finish(first.id, CANCELLED)
    await jobs.hand_back(first.id, count_attempt=True)
    assert (await jobs.get(first.id)).state == JobState.FINISHED
    assert await claim(jobs) is None


async def test_what_ran_when_the_bot_died_is_queued_again_until_its_last_attempt(jobs):
    (job,) = await submit(jobs, 1)
    for attempt in range(1, MOST_ATTEMPTS):
        assert (await claim(jobs)).attempts == attempt
        assert await jobs.recover() == 0
        assert (await jobs.get(job.id)).state == JobState.QUEUED
    await claim(jobs)
    assert await jobs.recover() == 1
    assert (await jobs.get(job.id)).ending == FAILED


async def test_a_job_handed_back_by_a_stopping_bot_has_its_attempt_back(jobs):
    (job,) = await submit(jobs, 1)
    await claim(jobs)
    await jobs.hand_back(job.id, count_attempt=False)
    assert (await jobs.get(job.id)).attempts == 0
    await claim(jobs)
    await jobs.hand_back(job.id, count_attempt=True)
    assert (await jobs.get(job.id)).attempts == 1


async def test_jobs_follow_a_group_that_becomes_a_supergroup(database, jobs):
    moved, other = [(await jobs.submit(order(chat_id=chat_id)))[0] for chat_id in (-5, -6)]
    await database.change("UPDATE jobs SET status_message = 3")
    await jobs.move(-5, -1005)
    moved, other = await jobs.get(moved.id), await jobs.get(other.id)
    assert (moved.order.chat_id, moved.order.reply_to, moved.status_message) == (-1005, 0, None)
    assert (other.order.chat_id, other.order.reply_to, other.status_message) == (-6, 10, 3)


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("picture", PictureRole)
async def test_a_refusal_comes_back_as_it_was_given(jobs, picture, reason):
    (job,) = await submit(jobs, 1)
    await jobs.finish(job.id, refused(picture, reason))
    assert (await jobs.get(job.id)).ending == refused(picture, reason)
