"""The scheduler over a fleet, with a database and without Telegram, and painters in another process."""

from __future__ import annotations

import asyncio
import multiprocessing
import time

from bot.jobs.endings import Endings
from bot.jobs.estimates import Durations
from bot.jobs.fair_order import FairQueue
from bot.jobs.progress_board import ProgressBoard
from bot.jobs.scheduler import Scheduler
from bot.metrics import Metrics
from bot.painting.fleet.dispatch import Fleet
from bot.painting.fleet.link import Link
from bot.painting.fleet.painter import FleetPainter
from bot.painting.protocol import StyleFile
from bot.storage.database import Database
from bot.storage.jobs import Jobs, JobState, Limits
from bot.storage.key_values import KeyValues
from bot.storage.pictures import MediaKind, Pictures
from bot.storage.results import Results
from tests.support.bot.orders import order
from tests.support.bot.stage import jpeg, plain
from tests.support.fleet.painters import Client, Machine

PHOTO = jpeg(plain("green"))


class Fetching:
    """Instead of `bot.jobs.fetching`: every picture is the same one."""

    async def photo(self, _picture_id, path, _role=None):
        path.write_bytes(PHOTO)
        return str(path)

    async def look(self, _styles, folder):
        return (StyleFile(await self.photo(None, folder / "style")),)


class Workshop:
    """Jobs of several users, painted by those who are connected to the server at `url`."""

    def __init__(self, url, folder, lease=30.0):
        self._url = url
        self.database = Database(folder / "jobs.sqlite3")
        self.jobs = Jobs(self.database, Limits(10_000, 10_000))
        self.queue = FairQueue(self.jobs)
        self.board = ProgressBoard()
        self.begun = []
        self.metrics = Metrics()
        self.fleet = Fleet(Link(url, "bot"), metrics=self.metrics.fleet, lease=lease)
        self._pictures = Pictures(self.database)
        self._scheduler = Scheduler(
            jobs=self.jobs,
            fetching=Fetching(),
            results=Results(folder / "results"),
            queue=self.queue,
            board=self.board,
            endings=Endings(self.jobs, self.board, self.metrics),
            durations=Durations(KeyValues(self.database)),
            painters=self.fleet,
            metrics=self.metrics,
        )
        self._task = None

    async def open(self):
        await self.database.open()
        await self.fleet.start()

    def hire(self, name, client):
        """Start a painter in this process; returns its task."""
        return asyncio.ensure_future(
            FleetPainter(Link(self._url, name), client, Machine(), "auto").run()
        )

    async def order(self, user):
        """Order a picture; returns the job."""
        picture = await self._pictures.add(
            user_id=user,
            chat_id=1,
            message_id=time.monotonic_ns(),
            file_id="f",
            media_kind=MediaKind.PHOTO,
        )
        return (await self.jobs.submit(order(user, picture=picture.id)))[0]

    async def painters(self, count):
        """Wait until so many painters are free."""
        while sum(each.free for each in self.fleet.roster.all) < count:
            await asyncio.sleep(0.02)

    async def paint_all(self, count):
        """Paint until `count` jobs are finished; returns the seconds."""
        begin = self.board.begin

        def note(job, task, painter):
            self.begun.append((job, painter, time.monotonic()))
            begin(job, task, painter)

        self.board.begin = note
        started = time.monotonic()
        self._task = self._task or asyncio.ensure_future(self._scheduler.run())
        self.board.changed()
        while await self._unfinished():
            await asyncio.wait([self._task], timeout=0.05)
            if self._task.done():
                self._task.result()
        self.board.begin = begin
        return time.monotonic() - started

    async def close(self):
        await self._scheduler.stop(0)
        if self._task is not None:
            await asyncio.wait([self._task])
        await self.fleet.close()
        await self.database.close()

    async def _unfinished(self):
        (row,) = await self.database.rows(
            "SELECT COUNT(*) AS count FROM jobs WHERE state IN (?, ?)",
            JobState.QUEUED.value,
            JobState.RUNNING.value,
        )
        return row["count"]


def painters_in_a_process(url, seconds):
    """Start painters that take so long each, in a process of their own; returns it."""
    process = multiprocessing.get_context("spawn").Process(
        target=run_painters, args=(url, seconds), daemon=True
    )
    process.start()
    return process


def run_painters(url, seconds):
    async def run():
        await asyncio.gather(
            *(
                FleetPainter(Link(url, f"painter-{number}"), Client(each), Machine(), "auto").run()
                for number, each in enumerate(seconds, 1)
            )
        )

    asyncio.run(run())
