"""The parent's side of the painting: one child process, one request at a time, and sketches beside.

`bot.painting.painter` lists the messages of the process.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Callable, Optional, Sequence

from bot.errors import (
    PainterDied,
    PainterStuck,
    PaintingError,
    PaintingFailed,
    PictureRefused,
)
from bot.outcomes import PictureRole, Reason
from bot.painting.process import Message, PainterProcess
from bot.painting.protocol import PaintProgress, PaintRequest, PaintResult, SketchRequest

#: Seconds until a process must have imported its libraries: a Jetson's card is slow.
START_UP = 120.0
#: Seconds between two signs of progress, loading a graph included.
PATIENCE = 180.0
#: Seconds until a picture must be decoded; 25 megapixels take 3 on a Jetson.
DECODING = 30.0
#: Seconds a process has to stop its request before it is killed.
GRACE = 1.5

OnProgress = Callable[[PaintProgress], None]

#: The messages after which there are others about the same request.
_STEPS = ("progress", "reading")

_log = logging.getLogger(__name__)


def painter_command(engines: Optional[Path] = None) -> Sequence[str]:
    """The command of the child process, for the graphs in `engines` or in the usual folder."""
    # faulthandler: a crash inside a library leaves its stack in the log.
    command = [sys.executable, "-u", "-X", "faulthandler", "-m", "bot.painting.painter"]
    return command if engines is None else [*command, "--engines", str(engines)]


class PainterClient:
    """Paints requests in a child process, which is started again whenever it is gone.

    Make it inside the running event loop. `patience`, `start_up` and `decoding` are in seconds. A
    picture that takes longer than `decoding` or crashes its decoder is refused.
    """

    def __init__(
        self,
        command: Optional[Sequence[str]] = None,
        *,
        patience: float = PATIENCE,
        start_up: float = START_UP,
        decoding: float = DECODING,
    ) -> None:
        self._command = painter_command() if command is None else command
        self._patience = patience
        self._start_up = start_up
        self._decoding = decoding
        self._process: Optional[PainterProcess] = None
        self._backend: Optional[str] = None
        self._closed = False
        self._lock = asyncio.Lock()
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> Optional[int]:
        """The number of the child process, if there is one."""
        return None if self._process is None else self._process.pid

    @property
    def backend(self) -> Optional[str]:
        """What the networks run on, by its name; known once a process is ready.

        It changes when engines are built meanwhile.
        """
        return self._backend

    async def start(self) -> None:
        """Start the process and wait until it is ready; `submit` does so too where it must.

        Raises `PainterDied` or `PainterStuck` when it does not get ready.
        """
        await self._ready_process()

    async def submit(self, request: PaintRequest, *, on_progress: OnProgress) -> PaintResult:
        """Paint `request`, after those that were submitted before it.

        Cancel it by cancelling the caller: within 2 seconds the process has stopped or is killed.
        Calls `on_progress` in the event loop after each step. Raises `PictureRefused`,
        `PaintingFailed`, `PainterDied` or `PainterStuck`; there is no result file then. After a
        cancellation there may be one.
        """
        async with self._lock:
            process = await self._ready_process()
            process.send("request", request=request.to_message())
            ended = False
            reading: Optional[PictureRole] = None
            try:
                while True:
                    message = await self._receive(process, reading)
                    if message["kind"] == "progress":
                        on_progress(_progress(message, request))
                    elif message["kind"] == "reading":
                        reading = message["picture"] and PictureRole(message["picture"])
                    else:
                        ended = True
                        self._backend = message.pop("backend", self._backend)
                        return _result(message)
            except PaintingFailed as error:
                if error.retriable:
                    # A failed driver stays so until its process ends.
                    await self._end_process()
                raise
            finally:
                if not ended:
                    await self._stop_request(process)

    async def sketch(self, request: SketchRequest, *, within: float) -> None:
        """Sketch into the request's output file, beside what is painted.

        A sketch that is not there `within` seconds is dropped, and so is that of a caller that is
        cancelled. If the process dies, it is asked for again, once. Raises `PaintingFailed` for a
        sketch that is overdue or cannot be made, `PainterDied` or `PainterStuck`.
        """
        asked = asyncio.ensure_future(self._sketch(request))
        try:
            done, _ = await asyncio.wait({asked}, timeout=within)
        finally:
            asked.cancel()
        if not done:
            text = f"A sketch took longer than {within:.3g} s and is dropped."
            raise PaintingFailed(text, retriable=True)
        asked.result()

    async def _sketch(self, request: SketchRequest) -> None:
        for is_last in (False, True):
            process = await self._ready_process()
            try:
                answer = await process.ask("sketch", request=request.to_message())
            except PainterDied as error:
                # What crashed it may have been this photo.
                if is_last or error.crashed:
                    raise
            else:
                break
        if answer["kind"] != "sketched":
            raise PaintingFailed(answer["message"], retriable=False)

    async def close(self) -> None:
        """End the process, whatever it does; what is still submitted ends in `PainterDied`."""
        self._closed = True
        await self._end_process()
        async with self._lock, self._starting:
            await self._end_process()

    async def _receive(self, process: PainterProcess, reading: Optional[PictureRole]) -> Message:
        """The next message of a process that is `reading` a picture, or none.

        Raises `PictureRefused` if that picture is what stops it, else what the process does.
        """
        if reading is None:
            return await process.receive(self._patience)
        try:
            return await process.receive(self._decoding)
        except PainterStuck as error:
            raise PictureRefused(str(error), reading, Reason.TOO_SLOW) from error
        except PainterDied as error:
            if not error.crashed:
                raise
            raise PictureRefused(str(error), reading, Reason.DAMAGED) from error

    async def _ready_process(self) -> PainterProcess:
        """The process, ready for a request."""
        async with self._starting:
            self._check_open()
            if self._process is not None and self._process.alive:
                return self._process
            if self._process is not None:
                _log.warning("Painter %d is gone; starting another.", self._process.pid)
            await self._end_process()
            self._process = process = await PainterProcess.spawn(self._command)
            try:
                self._check_open()
                ready = await process.receive(self._start_up)
            except BaseException:
                await self._end_process()
                raise
            self._backend = ready.get("backend")
            _log.info("The painter is ready (process %d).", process.pid)
            return process

    def _check_open(self) -> None:
        if self._closed:
            raise PainterDied("The painter is closed; nothing is painted until the bot restarts.")

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.close()

    async def _stop_request(self, process: PainterProcess) -> None:
        """Have the process stop its request, or else kill it."""
        if not process.alive:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GRACE
        stopped = False
        process.send("cancel")
        try:
            while (await process.receive(deadline - loop.time()))["kind"] in _STEPS:
                pass
            stopped = True
        except PaintingError as error:
            _log.warning("%s", error)
        finally:
            # The caller may be cancelled once more, and cannot wait then.
            if not stopped:
                process.kill()


def _progress(message: Message, request: PaintRequest) -> PaintProgress:
    return PaintProgress(
        share=message["share"],
        step=message["step"],
        steps=message["steps"],
        preview=request.preview if message["preview"] else None,
    )


def _result(message: Message) -> PaintResult:
    """How a request ended; raises `PictureRefused` or `PaintingFailed`."""
    kind = message.pop("kind")
    if kind == "done":
        return PaintResult(**message)
    text = message.pop("message")
    if kind == "refused":
        raise PictureRefused(text, PictureRole(message["picture"]), Reason(message["reason"]))
    assert kind == "failed", f"The painter sent {kind!r}"
    raise PaintingFailed(text, **message)
