"""Whose job is next: the users take turns, and who was served longest ago comes first."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from bot.painting.painters import Place
from bot.storage.jobs import Job, Jobs

#: How many jobs are read at once to find one that a free painter can do; mostly the first one is it.
_PAGE = 20


class FairQueue:
    """The queued jobs in the order in which they are painted."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def waiting(self) -> List[Job]:
        """The queued jobs, the next one first."""
        return await self._jobs.queued(await self._order())

    async def claim(self, reserve: Callable[[Job], Optional[Place]]) -> Optional[Tuple[Job, Place]]:
        """Take the next job for which `reserve` finds a painter as running, its attempt counted.

        `None` when none waits that somebody is free to paint.
        """
        order = await self._order()
        for begin in range(0, len(order), _PAGE):
            for job in await self._jobs.queued(order[begin : begin + _PAGE]):
                place = reserve(job)
                if place is None:
                    continue
                claimed = None
                try:
                    claimed = await self._jobs.take(job.id)
                finally:
                    # One may have been cancelled after the look: then it is the next one's turn.
                    if claimed is None:
                        place.leave()
                if claimed is not None:
                    return claimed, place
        return None

    async def _order(self) -> List[int]:
        """The ids of the queued jobs, the next one first."""
        queue = await self._jobs.queue()
        return fair_order(queue, await self._jobs.last_turns()) if queue else []


def fair_order(queue: Sequence[Tuple[int, int]], last_turns: Mapping[int, int]) -> List[int]:
    """Jobs in the order of turns: a user's second job after all first ones.

    queue: the id and the user of each job, oldest first. last_turns: the numbers of the users' last
    turns; who is not in it had none. Returns the ids.
    """
    rounds: Dict[int, int] = {}
    first: Dict[int, int] = {}
    keys: Dict[int, Tuple[int, int, int]] = {}
    for job, user in queue:
        rounds[user] = rounds.get(user, 0) + 1
        first.setdefault(user, job)
        keys[job] = rounds[user], last_turns.get(user, 0), first[user]
    return sorted(keys, key=keys.__getitem__)
