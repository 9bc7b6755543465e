"""The scheduler over a fleet: nobody idle while jobs wait, and users take turns."""

from __future__ import annotations

from collections import Counter

from tests.support.fleet.painters import Client
from tests.support.fleet.workshop import Workshop

JOBS, USERS = 24, 4


async def test_users_take_turns_whichever_painter_is_free(server, tmp_path):
    workshop = Workshop(server.url, tmp_path)
    await workshop.open()
    fast, slow = Client(0.0), Client(0.2)
    painters = [workshop.hire(name, client) for name, client in (("fast", fast), ("slow", slow))]
    await workshop.painters(2)
    for number in range(JOBS):
        # All of the first user's come first.
        await workshop.order(number * USERS // JOBS)
    await workshop.paint_all(JOBS)
    assert len(fast.requests) + len(slow.requests) == JOBS
    assert len(fast.requests) > len(slow.requests) > 0
    turns = Counter()
    for job, *_ in workshop.begun:
        turns[job.order.user_id] += 1
        assert turns[job.order.user_id] - min(turns[user] for user in range(USERS)) <= 1
    for painter in painters:
        painter.cancel()
    await workshop.close()
