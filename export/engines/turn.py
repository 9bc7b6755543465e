"""Lets paintings go first: a build waits for them, and for memory."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Optional

from runtime.machine.resources import MIN_FREE_MIB, read_memory
from runtime.spec.engine_progress import Activity
from runtime.spec.turns import is_painting

#: Seconds between two looks.
_TICK_S = 1.0

#: How long a build beside the bot waits for memory. After 10 minutes without a photo the painter
#: gives its graphs back; what is still missing then must come from the swap.
MEMORY_PATIENCE_S = 900.0

#: With less memory free, a paused build is ended, so that the painting gets its memory.
_PAINTING_MIB = 400


class Turn:
    """When a build of engines in `folder` may run; `tell` receives each change.

    Without enough memory it waits for `memory_patience` seconds. `free_mib`, `clock` and `sleep` are
    for tests.
    """

    def __init__(
        self,
        folder: Path,
        tell: Callable[[Activity], None],
        *,
        memory_patience: float = 0.0,
        free_mib: Optional[Callable[[], int]] = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder, self._tell = folder, tell
        self._memory_patience = memory_patience
        self._free_mib = free_mib or _free_mib
        self._clock, self._sleep = clock, sleep
        self._activity: Optional[Activity] = None
        self._short_since: Optional[float] = None
        #: The seconds that builds have waited so far.
        self.waited = 0.0

    def wait(self) -> None:
        """Return when nobody paints and there is memory for a build."""
        while True:
            if is_painting(self._folder):
                self._short_since = None
                self._pause(Activity.PAINTING)
            elif self._memory_may_come():
                self._pause(Activity.MEMORY)
            else:
                break
        self._now(Activity.BUILDING)

    def give_way(self, process: subprocess.Popen[bytes]) -> bool:
        """Pause a step of a build while a photo is painted.

        Returns False if the painting needed its memory: then the step was ended.
        """
        if not is_painting(self._folder):
            return True
        # Beside a painting TensorRT would measure wrong times, and take the GPU from it.
        process.send_signal(signal.SIGSTOP)
        try:
            while is_painting(self._folder):
                if self._free_mib() < _PAINTING_MIB:
                    process.kill()
                    process.wait()
                if process.poll() is not None:
                    # The kernel may have ended it too.
                    return process.returncode != -signal.SIGKILL
                self._pause(Activity.PAINTING)
        finally:
            process.send_signal(signal.SIGCONT)
        self._now(Activity.BUILDING)
        return True

    def _memory_may_come(self) -> bool:
        """Whether there is too little memory, but not for so long that it will stay so."""
        if self._free_mib() >= MIN_FREE_MIB:
            self._short_since = None
            return False
        now = self._clock()
        if self._short_since is None:
            self._short_since = now
        return now - self._short_since < self._memory_patience

    def _pause(self, activity: Activity) -> None:
        self._now(activity)
        self._sleep(_TICK_S)
        self.waited += _TICK_S

    def _now(self, activity: Activity) -> None:
        if activity is not self._activity:
            self._activity = activity
            self._tell(activity)


def _free_mib() -> int:
    """The free memory; more than enough where it cannot be read."""
    memory = read_memory()
    return MIN_FREE_MIB if memory is None else memory.free_mib
