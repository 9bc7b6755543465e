"""Which frames of a video are repainted: up to 30 per second, of the first 15 seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

MOST_SECONDS = 15.0
MOST_RATE = 30.0

#: How many seconds before its turn a frame may come: the clocks of phones are not exact.
_TOLERANCE = 0.25 / MOST_RATE


class Pace:
    """Chooses frames, in the order of their times: up to `MOST_RATE` per second."""

    def __init__(self) -> None:
        self._due = 0.0
        self._last = -1.0

    def takes(self, seconds: float) -> bool:
        """Whether the frame at this time is taken; one that is not later than the last is not."""
        if seconds < self._due - _TOLERANCE or seconds <= self._last:
            return False
        # A slow video misses turns, and does not catch up.
        self._due = max(self._due, seconds - 1 / MOST_RATE) + 1 / MOST_RATE
        self._last = seconds
        return True


@dataclass(frozen=True)
class Plan:
    """What is read of a video. Times are in seconds.

    start: the time in the file at which the first frame is shown.
    count: how many frames are taken.
    seconds: how long they are shown.
    is_cut: the video is longer.
    """

    start: float
    count: int
    seconds: float
    is_cut: bool

    @property
    def rate(self) -> float:
        """Frames per second, on average."""
        return min(MOST_RATE, max(1.0, self.count / self.seconds))


def plan_of(times: Sequence[float], end: float) -> Plan:
    """The plan for frames at these times, in any order, the last of which is shown until `end`.

    `times` is not empty; `end` at or before the last of them stands for a frame as long as the
    others, or for a second if there is one frame.
    """
    start = min(times)
    shown = sorted(time - start for time in times)
    pace = Pace()
    taken = [time for time in shown if time < MOST_SECONDS and pace.takes(time)]
    end -= start
    if end <= shown[-1]:
        end = shown[-1] + (shown[-1] / (len(shown) - 1) if shown[-1] else 1.0)
    return Plan(start, len(taken), min(end, MOST_SECONDS), end > MOST_SECONDS)
