"""One job on its way to a painter and back, from the bot's side."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Collection, Dict, Optional, Set, Tuple, Type, Union

from bot.errors import FleetError, PainterLost, PaintingError, PaintingFailed
from bot.painting.client import OnProgress
from bot.painting.fleet import subjects
from bot.painting.fleet.checks import check_result
from bot.painting.fleet.endings import result_of
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import Cancel, Ended, Step, Work, encode, made
from bot.painting.fleet.pictures import Bucket
from bot.painting.fleet.roster import Painter
from bot.painting.protocol import PaintProgress, PaintRequest, PaintResult
from bot.threads import on_thread

if TYPE_CHECKING:
    from nats.aio.msg import Msg

_log = logging.getLogger(__name__)

#: The answer to a painter that a job has ended: it may forget the picture.
TAKEN = b'{"taken": true}'

#: What the bot uses of the previews: a chat shows one every few seconds, and a film has some stages
#: however fast they were painted.
PREVIEW_SECONDS, PREVIEW_SHARE = 3.0, 1 / 8
#: How often a picture is fetched that does not arrive.
_TRIES = 5
#: The files of a job, at most; a painting has a photo, two styles, a result and a few previews.
_MOST_FILES = 1000

_KNOWN = frozenset(each.name for each in fields(PaintProgress))


def files_of(message: Union[Step, Ended]) -> Collection[str]:
    """The names of the files that belong to a message, of those that the bot knows."""
    if isinstance(message, Step):
        return [message.files[field] for field in _KNOWN & set(message.files)]
    return () if message.file is None else (message.file,)


class Delivery:
    """A painter that is reserved for one job: the `Place` of the scheduler.

    leave: called when the job is done with the painter.
    """

    def __init__(
        self,
        painter: Painter,
        link: Link,
        *,
        job: str,
        run: str,
        lease: float,
        leave: Callable[[Delivery], None],
    ) -> None:
        self.job = job
        self._painter = painter
        self._link = link
        self._run = run
        self._lease = lease
        self._leave = leave
        self._bucket = Bucket(link, painter.name)
        self._session = painter.session
        # Of each kind the last one: a painter may send faster than the bot can fetch files.
        self._inbox: Dict[Type[Any], Tuple[Union[Step, Ended], Msg]] = {}
        self._step = 0
        self._files: Set[str] = set()
        self._kept = time.monotonic()
        self._changed = asyncio.Event()
        self._taking_back: Optional[asyncio.Future[None]] = None

    @property
    def painter(self) -> str:
        """The painter's name."""
        return self._painter.name

    def leave(self) -> None:
        """Let the next job have the painter, once it cannot fetch this one any more."""
        if self._taking_back is None:
            self._leave(self)
        else:
            self._taking_back.add_done_callback(lambda _: self._leave(self))

    def hear(self, message: Union[Step, Ended], raw: Msg) -> None:
        """Take a message about this job."""
        self.keep()
        if type(message) in self._inbox:
            self._note(files_of(self._inbox[type(message)][0]))
        self._inbox[type(message)] = message, raw
        self._changed.set()

    def keep(self) -> None:
        """The painter still has the job."""
        self._kept = time.monotonic()

    def check(self) -> None:
        """The painter said something about itself: look whether it is still the same one."""
        self._changed.set()

    async def submit(self, request: PaintRequest, *, on_progress: OnProgress) -> PaintResult:
        """Paint `request` on the painter.

        Cancel it by cancelling the caller. Raises `PictureRefused`, `PaintingError` as
        `PainterClient.submit` does, and `PainterLost` when the painter is silent for longer than its
        lease, has started again, or was stopped.
        """
        begin = time.monotonic()
        ended = False
        try:
            try:
                await self._hand_over(request)
            except FleetError as error:
                text = f"{self.painter} cannot be given the job: {error}"
                raise PainterLost(text, counts=False) from error
            result = await self._follow(request, on_progress)
            ended = True
            self._painter.succeeded(time.monotonic() - begin)
            return result
        except PaintingError as error:
            ended = not isinstance(error, PainterLost)
            # One that was stopped needs no rest.
            if error.retriable and self._painter.session is not None:
                rest = self._painter.failed_once()
                _log.warning("The painter %s rests for %.0f s: %s", self.painter, rest, error)
            raise
        finally:
            if not ended:
                self._taking_back = asyncio.ensure_future(self._take_back())

    async def _hand_over(self, request: PaintRequest) -> None:
        """Send the files, and then the job."""
        own = self._painter.about.styles
        names, styles = await self._bucket.put_all(request.inputs, self.job, own)
        self._files.update(name for name in names.values() if name not in styles)
        names[request.output] = f"{self.job}-result{Path(request.output).suffix}"
        names[request.previews] = "."
        work = Work(
            job=self.job,
            painter=self.painter,
            run=self._run,
            lease=self._lease,
            request=request.with_paths(names.__getitem__).to_message(),
            styles=styles,
            preview_seconds=PREVIEW_SECONDS,
            preview_share=PREVIEW_SHARE,
        )
        publish = self._link.js.publish(subjects.job_subject(self.painter), encode(work))
        await self._link.attempt(publish)
        self.keep()

    async def _follow(self, request: PaintRequest, on_progress: OnProgress) -> PaintResult:
        tries = 0
        while True:
            message, raw = await self._next()
            try:
                if isinstance(message, Step):
                    progress = await self._progress(message, Path(request.previews))
                    if progress is not None:
                        on_progress(progress)
                    continue
                result = await self._result(message, request)
            except FleetError as error:
                # A preview is not needed, and an ending is sent again.
                _log.info("From the painter %s: %s", self.painter, error)
                tries += isinstance(message, Ended)
                if tries < _TRIES:
                    continue
                await self._answer(raw)
                raise PaintingFailed(
                    f"The picture cannot be fetched: {error}", retriable=True
                ) from error
            except BaseException:
                await self._answer(raw)
                raise
            await self._answer(raw)
            return result

    async def _next(self) -> Tuple[Union[Step, Ended], Msg]:
        """The next message about the job; raises `PainterLost` when there will be none."""
        while not self._inbox:
            if self._painter.session is None:
                raise PainterLost(f"The painter {self.painter} was stopped.", counts=False)
            if self._painter.session != self._session:
                raise PainterLost(f"The painter {self.painter} has started again.")
            left = self._lease - self._silence
            if left <= 0:
                raise PainterLost(
                    f"The painter {self.painter} gave no sign of the job for {self._lease:.3g} s."
                )
            self._changed.clear()
            # Not wait_for: before Python 3.12 it can swallow a cancellation.
            waiting = asyncio.ensure_future(self._changed.wait())
            try:
                await asyncio.wait([waiting], timeout=left)
            finally:
                waiting.cancel()
        return self._inbox.pop(next(iter(self._inbox)))

    @property
    def _silence(self) -> float:
        """Seconds without a sign of the job, as far as the connection would have carried one."""
        if not self._link.up:
            return 0.0
        return time.monotonic() - max(self._kept, self._link.since)

    async def _progress(self, step: Step, folder: Path) -> Optional[PaintProgress]:
        """The progress with its files on this disk; `None` for one that comes late."""
        if step.number <= self._step:
            return None
        self._step = step.number
        values: Dict[str, Any] = dict(step.progress)
        for field, name in step.files.items():
            if field in _KNOWN:
                self._note([name])
                # Not by a name of the painter's choice.
                values[field] = folder / f"{field}.jpg"
                try:
                    await self._bucket.get(name, values[field])
                except OSError as error:
                    raise FleetError(f"A preview cannot be written: {error}") from error
        try:
            progress = made(PaintProgress, values)
        except TypeError as error:
            raise FleetError(f"A step is wrong: {error}") from error
        if not 0 <= progress.share <= 1:
            raise FleetError(f"A step is wrong: {progress.share} of the work is done.")
        return progress

    async def _result(self, ended: Ended, request: PaintRequest) -> PaintResult:
        result = result_of(ended)
        if ended.file is None:
            raise PaintingFailed("The painter sent no picture.", retriable=True)
        self._note([ended.file])
        await self._bucket.get(ended.file, Path(request.output), durable=True)
        try:
            await on_thread(check_result, request, result)
        except BaseException:
            await on_thread(Path(request.output).unlink)
            raise
        return result

    async def _answer(self, raw: Msg) -> None:
        self._painter.job = None
        await self._link.reply(raw, TAKEN)

    async def _take_back(self) -> None:
        """Take a job back that the painter may still have."""
        subject = subjects.job_subject(self.painter)
        try:
            await self._link.send(subjects.to_painter(self.painter), Cancel(self.job))
            await self._link.attempt(self._link.js.purge_stream(subjects.JOBS, subject=subject))
        except FleetError as error:
            # The painter gets it, and finds that it belongs to nobody.
            _log.info("The job %s stays with %s: %s", self.job, self.painter, error)

    def _note(self, names: Collection[str]) -> None:
        """Delete these files with the job; those of a painter that sends too many stay for an hour."""
        if len(self._files) < _MOST_FILES:
            self._files.update(names)

    async def remove_files(self) -> None:
        """Delete the job's files from the server, after it is done with the painter."""
        for message, _raw in self._inbox.values():
            self._note(files_of(message))
        try:
            await self._bucket.remove(self._files)
        except FleetError as error:
            _log.info("The files of %s stay for an hour: %s", self.painter, error)
