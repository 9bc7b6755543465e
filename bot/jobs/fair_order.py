"""Whose job is next: the users take turns, and who was served longest ago comes first."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from bot.painting.painters import Place
from bot.storage.jobs import Job, Jobs


class FairQueue:
    """The queued jobs in the order in which they are painted."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def waiting(self) -> List[Job]:
        """The queued jobs, the next one first."""
        queued = await self._jobs.queued()
        return fair_order(queued, await self._jobs.last_turns()) if queued else []

    async def claim(self, reserve: Callable[[Job], Optional[Place]]) -> Optional[Tuple[Job, Place]]:
        """Take the next job for which `reserve` finds a painter as running, its attempt counted.

        `None` when none waits that somebody is free to paint.
        """
        for job in await self.waiting():
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


def fair_order(waiting: Sequence[Job], last_turns: Mapping[int, int]) -> List[Job]:
    """Jobs, given oldest first, in the order of turns: a user's second job after all first ones.

    `last_turns` are the numbers of the users' last turns; who is not in it had none.
    """
    rounds: Dict[int, int] = {}
    first: Dict[int, int] = {}
    keys: Dict[int, Tuple[int, int, int]] = {}
    for job in waiting:
        user = job.order.user_id
        rounds[user] = rounds.get(user, 0) + 1
        first.setdefault(user, job.id)
        keys[job.id] = rounds[user], last_turns.get(user, 0), first[user]
    return sorted(waiting, key=lambda job: keys[job.id])
