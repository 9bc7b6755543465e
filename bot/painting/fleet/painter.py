"""The painter's side of the fleet: it takes one job at a time and paints it as the bot itself would.

It keeps a job while the server or the bot is away, and offers the result until the bot answers.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Deque, Optional

from bot.background import Background
from bot.errors import BotError, FleetError
from bot.painting.client import PainterClient
from bot.painting.fleet import subjects
from bot.painting.fleet.about import Machine
from bot.painting.fleet.connection import REQUEST
from bot.painting.fleet.dispatch import BEATS, LEASE
from bot.painting.fleet.endings import ending_of
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import (
    About,
    Cancel,
    Ended,
    Goodbye,
    Hello,
    Sketch,
    Welcome,
    WhoIsThere,
    Work,
    decode,
    encode,
)
from bot.painting.fleet.pictures import KEEP, Bucket, inside, working_folder
from bot.painting.fleet.sketches import draw
from bot.painting.fleet.steps import Steps
from bot.painting.painters import LocalPainter
from bot.painting.protocol import PaintRequest, PaintResult
from bot.status_words import NO_CONNECTION
from bot.threads import held_on_thread, on_thread

if TYPE_CHECKING:
    from nats.aio.msg import Msg

#: Seconds to the next offer of a result that the bot has not taken.
_OFFER_PAUSE = 1.0
#: The share of a new painting in the remembered mean.
_SHARE = 0.3
#: What JetStream takes as answers to a job.
_ACKNOWLEDGED, _IN_PROGRESS, _TERMINATED = b"+ACK", b"+WPI", b"+TERM"

_log = logging.getLogger(__name__)


class FleetPainter:
    """A painter of the name that its `link` has; `client` paints.

    backend: what its graphs run on, instead of what the bot's settings say.
    """

    def __init__(self, link: Link, client: PainterClient, machine: Machine, backend: str) -> None:
        self._link = link
        self._client = client
        self._machine = machine
        self._backend = backend
        self._bucket = Bucket(link, link.user)
        self._session = secrets.token_hex(8)
        self._run: Optional[str] = None
        self._lease = LEASE
        self._job: Optional[str] = None
        self._painting: Optional[asyncio.Future[Any]] = None
        self._ended: Deque[str] = deque(maxlen=100)
        self._seconds: Optional[float] = None
        self._about = About()
        self._drawings = Background()
        self._welcome = asyncio.Event()

    async def run(self) -> None:
        """Paint until cancelled; raises `FleetError` for unusable credentials."""
        await self._link.open()
        await self._link.subscribe(subjects.to_painter(self._link.user), self._hear)
        await self._link.subscribe(subjects.EVERYONE, self._hear)
        tasks = {asyncio.ensure_future(each) for each in (self._beat(), self._serve())}
        try:
            # One ends by a mistake alone. A painter without signs of life would be given up.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self._drawings.close()
            await self._link.send(subjects.from_painter(self._link.user), Goodbye())
            await self._link.close()

    def describe(self) -> str:
        """What it does, in a few words for `systemctl status`; `bot.upgrade.health` reads them."""
        if not self._link.up:
            doing = f"{NO_CONNECTION} ({self._link.problem or 'connecting'})"
        elif not self._welcome.is_set():
            doing = "waiting for the bot"
        else:
            doing = "painting" if self._job else "idle"
        return f"{self._link.user}: {doing}; {LocalPainter(self._client).describe()}"

    async def _beat(self) -> None:
        while True:
            known = self._client.backend, self._seconds
            self._about = await on_thread(self._machine.describe, *known)
            await self._say_hello()
            await asyncio.sleep(self._lease / BEATS)

    async def _say_hello(self) -> None:
        hello = Hello(self._session, self._job, self._about)
        await self._link.send(subjects.from_painter(self._link.user), hello)

    async def _hear(self, raw: Msg) -> None:
        try:
            message = decode(raw.data)
        except FleetError as error:
            _log.warning("%s", error)
            return
        if isinstance(message, Welcome):
            self._run, self._lease = message.run, message.lease
            self._welcome.set()
        elif isinstance(message, Sketch):
            drawing = draw(
                message,
                self._client,
                self._link,
                self._bucket,
                styles=self._machine.styles,
                backend=self._backend,
            )
            self._drawings.start(drawing)
        elif isinstance(message, WhoIsThere):
            # What an earlier run of the bot gave out is queued there again.
            self._welcome.clear()
            self._session = secrets.token_hex(8)
            self._stop("The bot has started again.")
            await self._say_hello()
        elif isinstance(message, Cancel) and message.job == self._job:
            self._stop("The bot does not want the job any more.")

    def _stop(self, why: str) -> None:
        # Once: a second cancellation would end the child process, which is stopping.
        painting, self._painting = self._painting, None
        if painting is not None:
            _log.info("%s", why)
            painting.cancel()

    async def _serve(self) -> None:
        """Take job after job."""
        while True:
            await self._welcome.wait()
            try:
                raw = await self._link.pull(subjects.JOBS, self._link.user)
            except FleetError as error:
                # The server is away, or has lost what it kept.
                _log.debug("%s", error)
                await asyncio.sleep(1)
                continue
            if raw is not None:
                await self._take(raw)

    async def _take(self, raw: Msg) -> None:
        """Paint a job, keep its lease meanwhile, and say how it ended."""
        try:
            work = decode(raw.data)
            if not isinstance(work, Work):
                raise FleetError("Something else than a job is in the stream of jobs.")
        except FleetError as error:
            _log.warning("%s", error)
            await self._link.reply(raw, _TERMINATED)
            return
        mine = work.painter == self._link.user and work.run == self._run
        if not mine or work.job in self._ended:
            await self._link.reply(raw, _ACKNOWLEDGED)
            return
        self._job = work.job
        lease = asyncio.ensure_future(self._keep_lease(raw, work))
        painting = self._painting = asyncio.ensure_future(self._paint_and_offer(work))
        try:
            await asyncio.wait([painting])
        finally:
            painting.cancel()
            lease.cancel()
            self._job = self._painting = None
        self._ended.append(work.job)
        await self._link.reply(raw, _ACKNOWLEDGED)
        await self._say_hello()

    async def _keep_lease(self, raw: Msg, work: Work) -> None:
        while True:
            await self._link.reply(raw, _IN_PROGRESS)
            await self._say_hello()
            await asyncio.sleep(work.lease / BEATS)

    async def _paint_and_offer(self, work: Work) -> None:
        async with held_on_thread(working_folder()) as folder:
            ended = await self._paint(work, folder)
        # The bot answers even when it knows nothing of the job; after an hour the picture is gone.
        deadline = asyncio.get_running_loop().time() + KEEP
        while asyncio.get_running_loop().time() < deadline:
            try:
                subject = subjects.from_painter(self._link.user)
                request = self._link.client.request(subject, encode(ended), timeout=REQUEST)
                await self._link.attempt(request)
                return
            except FleetError as error:
                _log.info("The bot has not taken the result of %s yet: %s", work.job, error)
                await asyncio.sleep(_OFFER_PAUSE)

    async def _paint(self, work: Work, folder: Path) -> Ended:
        steps = Steps(work, self._link, self._bucket)
        sending = asyncio.ensure_future(steps.send())
        try:
            request = await self._fetch(work, folder)
            result = await self._client.submit(request, on_progress=steps.add)
            self._learn(result)
            name = f"{work.job}-result{Path(request.output).suffix}"
            await self._put(name, Path(request.output))
            # The last preview before the picture.
            steps.end()
            await asyncio.wait([sending], timeout=REQUEST)
            return ending_of(work.job, result, name)
        except (BotError, OSError) as error:
            _log.warning("Job %s: %s", work.job, error)
            return ending_of(work.job, error, None)
        finally:
            sending.cancel()

    async def _fetch(self, work: Work, folder: Path) -> PaintRequest:
        """The request with its files in `folder`; raises `FleetError` and `OSError`."""
        known = {"kind", *(each.name for each in fields(PaintRequest))}
        values = {name: value for name, value in work.request.items() if name in known}
        try:
            request = PaintRequest.from_message(values)
        except (KeyError, TypeError, ValueError) as error:
            raise FleetError(f"The job {work.job} is not understood: {error!r}") from error
        own = {name: self._machine.styles.get(digest) for name, digest in work.styles.items()}
        paths = await self._bucket.get_all(request.inputs, folder, own)
        moved = request.with_paths(lambda name: paths.get(name) or inside(folder, name))
        return moved.with_backend(self._backend)

    async def _put(self, name: str, path: Path) -> None:
        """Store the picture, again and again while the server is away or full; raises `OSError`.

        Raises `FleetError` when nobody waits for the picture any more.
        """
        deadline = asyncio.get_running_loop().time() + KEEP
        while True:
            try:
                return await self._bucket.put(name, path)
            except FleetError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                _log.info("The picture cannot be stored yet: %s", error)
                await asyncio.sleep(_OFFER_PAUSE)

    def _learn(self, result: PaintResult) -> None:
        before = self._seconds
        mean = result.seconds if before is None else before + _SHARE * (result.seconds - before)
        self._seconds = round(mean, 3)
