"""Jobs and time left where several painters work at once."""

from __future__ import annotations

import pytest

from bot.jobs.estimates import Durations, Estimate, Estimates
from bot.jobs.fair_order import FairQueue
from bot.jobs.progress_board import ProgressBoard
from bot.metrics import Metrics
from bot.painting.painters import Lack
from bot.storage.jobs import Jobs, Limits
from bot.storage.key_values import KeyValues
from runtime import TranslateOptions
from tests.support.bot.orders import order


class Fleet:
    """Painters by name, and the generators that each has."""

    def __init__(self, **models):
        self._models = models

    def able(self, needs):
        return [name for name, has in self._models.items() if needs.model in (None, *has)]

    def lack(self, needs):
        return None if self.able(needs) else Lack.ABILITY


class Office:
    def __init__(self, database, fleet):
        self.jobs = Jobs(database, Limits(9, 9))
        self.board = ProgressBoard()
        self.durations = Durations(KeyValues(database))
        queue = FairQueue(self.jobs)
        self.estimates = Estimates(queue, self.board, self.durations, fleet, Metrics())

    async def order(self, user, **changes):
        return (await self.jobs.submit(order(user, **changes)))[0]

    async def all(self):
        return list((await self.estimates.all()).values())


async def test_each_job_waits_for_the_painter_that_is_free_first(database):
    office = Office(database, Fleet(nano=(), desktop=()))
    jobs = [await office.order(user) for user in range(1, 6)]
    await office.durations.learn(jobs[0].order, 40, "nano")
    for _ in range(20):
        await office.durations.learn(jobs[0].order, 10, "desktop")
    office.board.begin(await office.jobs.take(jobs[0].id), None, "nano")
    office.board.begin(await office.jobs.take(jobs[1].id), None, "desktop")
    approx = lambda value: pytest.approx(value, abs=1)
    assert await office.all() == [
        Estimate(0, approx(40)),
        Estimate(0, approx(10)),
        Estimate(1, approx(20)),
        Estimate(2, approx(30)),
        Estimate(3, approx(40)),
    ]


async def test_a_painter_without_the_generator_does_not_count(database):
    office = Office(database, Fleet(nano=(), desktop=("zebra",)))
    wanted = {"options": TranslateOptions(), "model": "zebra"}
    first = await office.order(1, **wanted)
    await office.order(2, **wanted)
    await office.order(3, options=TranslateOptions(), model="vintage")
    await office.durations.learn(first.order, 5, "desktop")
    assert await office.all() == [Estimate(1, 5), Estimate(2, 10), Estimate(3, None, Lack.ABILITY)]


async def test_a_new_painter_is_expected_to_be_as_fast_as_the_others(database):
    office = Office(database, Fleet(new=()))
    job = await office.order(1)
    await office.durations.learn(job.order, 30, "old")
    assert await office.durations.expected(job.order, "new") == 30
    await office.durations.learn(job.order, 60, "new")
    assert await office.durations.expected(job.order, "old") == 30
    assert await office.durations.expected(job.order, "new") == 60
