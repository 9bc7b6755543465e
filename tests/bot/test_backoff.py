from __future__ import annotations

import asyncio

from bot.backoff import Backoff, wait_at_most


def test_pauses_double_up_to_the_longest_and_start_again_after_a_success():
    backoff = Backoff(first=1.0, most=5.0)
    assert not backoff.failing
    assert [backoff.next() for _ in range(5)] == [1, 2, 4, 5, 5]
    assert backoff.failing
    backoff.reset()
    assert not backoff.failing and backoff.next() == 1


async def test_waiting_ends_with_the_event_or_with_the_time():
    event = asyncio.Event()
    await wait_at_most(event, 0.01)
    asyncio.get_running_loop().call_later(0.01, event.set)
    await asyncio.wait_for(wait_at_most(event, None), 10)
