"""The parent's side of the painting: one child process, one task at a time.

Messages from the child are told in `bot.painting.painter`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Callable, Optional, Sequence

from bot.errors import PainterDied, PaintingError, PaintingFailed, PaintingRefused
from bot.painting.process import Child, Message
from bot.painting.protocol import PaintProgress, PaintResult, Task

__all__ = ["PaintProgress", "PaintResult", "Task", "Worker", "painter_command"]

#: Seconds until a child must have imported its libraries: a Jetson's card is slow.
START_UP = 120.0
#: Seconds between two signs of progress, loading a graph included.
PATIENCE = 180.0
#: Seconds a child has to stop its task before it is killed.
GRACE = 1.5

OnProgress = Callable[[PaintProgress], None]

_log = logging.getLogger(__name__)


def painter_command(engines: Optional[Path] = None) -> Sequence[str]:
    """The command of the child process, for the graphs in `engines` or in the usual folder."""
    # faulthandler: a crash inside a library leaves its stack in the log.
    command = [sys.executable, "-u", "-X", "faulthandler", "-m", "bot.painting.painter"]
    return command if engines is None else [*command, "--engines", str(engines)]


class Worker:
    """Paints tasks in a child process, which is started again whenever it is gone.

    Make it inside the running event loop. `patience` and `start_up` are in seconds.
    """

    def __init__(
        self,
        command: Optional[Sequence[str]] = None,
        *,
        patience: float = PATIENCE,
        start_up: float = START_UP,
    ) -> None:
        self._command = painter_command() if command is None else command
        self._patience = patience
        self._start_up = start_up
        self._child: Optional[Child] = None
        self._backend: Optional[str] = None
        self._closed = False
        self._lock = asyncio.Lock()

    @property
    def pid(self) -> Optional[int]:
        """The number of the child process, if there is one."""
        return None if self._child is None else self._child.pid

    @property
    def backend(self) -> Optional[str]:
        """What the networks run on, by its name; known once a child is ready."""
        return self._backend

    async def start(self) -> None:
        """Start the child and wait until it is ready; `submit` does so too where it must.

        Raises `PainterDied` or `PainterStuck` when it does not get ready.
        """
        async with self._lock:
            await self._ready_child()

    async def submit(self, task: Task, *, on_progress: OnProgress) -> PaintResult:
        """Paint `task`, after those that were submitted before it.

        Cancel it by cancelling the caller: within 2 seconds the child has stopped or is killed.
        Calls `on_progress` in the event loop after each step. Raises `PaintingRefused`,
        `PaintingFailed`, `PainterDied` or `PainterStuck`; there is no result file then. After a
        cancellation there may be one.
        """
        async with self._lock:
            child = await self._ready_child()
            child.send("task", task=asdict(task))
            ended = False
            try:
                while True:
                    message = await child.receive(self._patience)
                    if message["kind"] == "progress":
                        on_progress(_progress(message, task))
                    else:
                        ended = True
                        return _result(message)
            except PaintingFailed as error:
                if error.retriable:
                    # A failed driver stays so until its process ends.
                    await self._end_child()
                raise
            finally:
                if not ended:
                    await self._stop_task(child)

    async def close(self) -> None:
        """End the child, whatever it does; what is still submitted ends in `PainterDied`."""
        self._closed = True
        await self._end_child()
        async with self._lock:
            await self._end_child()

    async def _ready_child(self) -> Child:
        """The child, ready for a task; the caller holds the lock."""
        self._check_open()
        if self._child is not None and self._child.alive:
            return self._child
        if self._child is not None:
            _log.warning("Painter %d is gone; starting another.", self._child.pid)
        await self._end_child()
        self._child = child = await Child.spawn(self._command)
        try:
            self._check_open()
            ready = await child.receive(self._start_up)
        except BaseException:
            await self._end_child()
            raise
        self._backend = ready.get("backend")
        _log.info("The painter is ready (process %d).", child.pid)
        return child

    def _check_open(self) -> None:
        if self._closed:
            raise PainterDied("The painter is closed; nothing is painted until the bot restarts.")

    async def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.close()

    async def _stop_task(self, child: Child) -> None:
        """Have the child stop its task, or else kill it."""
        if not child.alive:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GRACE
        stopped = False
        child.send("cancel")
        try:
            while (await child.receive(deadline - loop.time()))["kind"] == "progress":
                pass
            stopped = True
        except PaintingError as error:
            _log.warning("%s", error)
        finally:
            # The caller may be cancelled once more, and cannot wait then.
            if not stopped:
                child.kill()


def _progress(message: Message, task: Task) -> PaintProgress:
    return PaintProgress(
        share=message["share"],
        step=message["step"],
        steps=message["steps"],
        preview=task.preview if message["preview"] else None,
    )


def _result(message: Message) -> PaintResult:
    """What a task ended in; raises `PaintingRefused` or `PaintingFailed`."""
    kind = message.pop("kind")
    if kind == "done":
        return PaintResult(**message)
    text = message.pop("message")
    raise {"refused": PaintingRefused, "failed": PaintingFailed}[kind](text, **message)
