"""From the store to the painter: turns, ends, estimates, and a stop."""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
import time
from types import SimpleNamespace

import pytest

from bot.chat.catalog import Catalog
from bot.errors import PainterDied, PainterLost, PainterStuck
from bot.jobs import kept_downloads
from bot.jobs import progress_board as board_module
from bot.jobs import scheduler as scheduler_module
from bot.jobs.endings import Endings
from bot.jobs.estimates import Durations, Estimate, Estimates
from bot.jobs.fair_order import FairQueue
from bot.jobs.fetching import Fetching
from bot.jobs.kept_downloads import KeptDownloads
from bot.jobs.progress_board import ProgressBoard
from bot.jobs.scheduler import Scheduler
from bot.metrics import Metrics
from bot.outcomes import CANCELLED, FAILED, PAINTED, PictureRole, Reason, refused
from bot.painting.painters import LocalPainter
from bot.sandbox import Sandbox
from bot.storage.jobs import MOST_ATTEMPTS, Jobs, JobState, Limits
from bot.storage.key_values import KeyValues
from bot.storage.pictures import MediaKind, Pictures
from bot.storage.results import Results
from bot.storage.styles import StyleChoice, mixed
from bot.threads import on_thread
from runtime import StylizeOptions, TranslateOptions, VideoOptions
from tests.support.bot.albums import order_pair
from tests.support.bot.conversation import until
from tests.support.bot.doubles import FakePainterClient
from tests.support.bot.orders import order
from tests.support.bot.running import running
from tests.support.bot.stage import config_for, jpeg, plain

FULL = OSError(errno.ENOSPC, "No space left on device")


class Studio:
    """A scheduler that paints with a double and downloads nothing."""

    def __init__(self, database, folder, painters=LocalPainter):
        self.database = database
        self.jobs = Jobs(database, Limits(9, 9))
        self.queue = FairQueue(self.jobs)
        self.pictures = Pictures(database)
        self.results = Results(folder / "results")
        self.metrics = Metrics()
        self.board = ProgressBoard()
        self.durations = Durations(KeyValues(database))
        self.endings = Endings(self.jobs, self.board, self.metrics)
        self.painter_client = FakePainterClient()
        self.painters = painters(self.painter_client)
        self.estimates = Estimates(
            self.queue, self.board, self.durations, self.painters, self.metrics
        )
        downloads = KeptDownloads(None, folder / "photos")
        self.scheduler = Scheduler(
            jobs=self.jobs,
            fetching=Fetching(downloads, self.pictures, Catalog(folder).find_style),
            results=self.results,
            queue=self.queue,
            board=self.board,
            endings=self.endings,
            durations=self.durations,
            painters=self.painters,
            metrics=self.metrics,
        )
        self.task = None

    def start(self):
        self.task = asyncio.ensure_future(self.scheduler.run())

    async def order(self, user_id=1, **changes):
        picture = await self.pictures.add(
            user_id=user_id,
            chat_id=1,
            message_id=time.monotonic_ns(),
            file_id="f",
            media_kind=MediaKind.PHOTO,
        )
        job, _new = await self.jobs.submit(order(user_id, picture=picture.id, **changes))
        self.board.changed()
        return job

    async def state(self, job, *states):
        """The job, once it is in one of the states."""

        async def look():
            found = await self.jobs.get(job.id)
            return found if found.state in states or found.ending in states else None

        return await until(look)

    async def halfway(self, job):
        async def look():
            progress = self.board.progress(job.id)
            return progress is not None and progress.share == 0.5

        await until(look)
        return await self.jobs.get(job.id)

    def counted(self, ending):
        return (
            f'jetbrush_jobs_total{{outcome="{ending.label}"}} 1.0' in self.metrics.render().decode()
        )


@pytest.fixture()
async def studio(request, database, tmp_path, monkeypatch):
    async def download(_bot, _file_id, path, _role):
        path.write_bytes(jpeg(plain("green")))

    monkeypatch.setattr(kept_downloads, "download", download)
    studio = Studio(database, tmp_path, getattr(request, "param", LocalPainter))
    yield studio
    if studio.task is not None:
        studio.painter_client.release()
        await studio.scheduler.stop(0)
        await asyncio.wait([studio.task])


async def test_a_job_claimed_while_the_bot_stops_is_handed_back(studio, monkeypatch):
    claim = studio.queue.claim

    async def claim_and_meanwhile_stop(reserve):
        claimed = await claim(reserve)
        await studio.scheduler.stop(grace=5)
        return claimed

    monkeypatch.setattr(studio.queue, "claim", claim_and_meanwhile_stop)
    job = await studio.order()
    studio.start()
    await asyncio.wait_for(studio.task, 5)
    job = await studio.jobs.get(job.id)
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
    assert not studio.painter_client.requests


async def test_a_stop_lets_the_running_job_end_within_the_grace(studio):
    studio.painter_client.hold()
    first, second = await studio.order(), await studio.order()
    studio.start()
    await studio.halfway(first)
    stopping = asyncio.ensure_future(studio.scheduler.stop(grace=30))
    await asyncio.sleep(0)
    studio.painter_client.release()
    await asyncio.wait_for(stopping, 5)
    await asyncio.wait_for(studio.task, 5)
    assert (await studio.jobs.get(first.id)).ending == PAINTED
    assert (await studio.jobs.get(second.id)).state == JobState.QUEUED
    assert studio.painter_client.cancelled == []


async def test_a_stop_hands_back_what_takes_longer_than_the_grace(studio):
    studio.painter_client.hold()
    job = await studio.order()
    studio.start()
    await studio.halfway(job)
    await studio.scheduler.stop(grace=0)
    await asyncio.wait_for(studio.task, 5)
    job = await studio.jobs.get(job.id)
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)


async def test_a_job_cancelled_while_it_is_claimed_does_not_hold_up_the_next(studio, monkeypatch):
    first, second = await studio.order(1), await studio.order(2)
    look = studio.jobs.queued

    async def and_then_cancelled(ids):
        found = await look(ids)
        await studio.endings.cancel(first.id)
        return found

    monkeypatch.setattr(studio.jobs, "queued", and_then_cancelled)
    studio.start()
    await studio.state(second, PAINTED)
    assert len(studio.painter_client.requests) == 1


@pytest.fixture()
def hasty(monkeypatch):
    """Pauses that a test can wait for."""
    monkeypatch.setattr(scheduler_module, "_FIRST_PAUSE", 0.05)


async def test_attempts_wait_for_a_full_disk_longer_each_time(studio, monkeypatch, caplog, hasty):
    fail_times(studio, monkeypatch, "download", MOST_ATTEMPTS)
    job = await studio.order()
    studio.start()
    await studio.state(job, FAILED)
    pauses = [each for each in caplog.messages if "pauses for" in each]
    assert len(pauses) == MOST_ATTEMPTS - 1 and "No space left" in caplog.text


@pytest.mark.parametrize("step", ["work_folder", "download"])
async def test_a_disk_that_has_room_again_costs_attempts_and_not_the_job(
    studio, monkeypatch, step, hasty
):
    fail_times(studio, monkeypatch, step, MOST_ATTEMPTS - 1)
    job = await studio.order()
    studio.start()
    assert (await studio.state(job, PAINTED)).attempts == MOST_ATTEMPTS


@pytest.mark.parametrize("step", ["work_folder", "download"])
async def test_a_disk_that_stays_full_ends_the_job(studio, monkeypatch, caplog, step, hasty):
    fail_times(studio, monkeypatch, step, MOST_ATTEMPTS)
    job, other = await studio.order(), await studio.order()
    studio.start()
    await studio.state(job, FAILED)
    assert caplog.text.count("No space left on device") == MOST_ATTEMPTS
    await studio.state(other, PAINTED)
    assert studio.counted(FAILED)


def fail_times(studio, monkeypatch, step, times):
    """Let the first `times` tries of a step meet a full disk."""
    place, name = {
        "work_folder": (studio.results, "work_folder"),
        "download": (kept_downloads, "download"),
    }[step]
    passed, left = getattr(place, name), [FULL] * times

    def fail_first(*arguments):
        if left:
            raise left.pop()
        return passed(*arguments)

    monkeypatch.setattr(place, name, fail_first)


async def test_folders_are_made_and_removed_beside_the_loop(studio, monkeypatch):
    threads = []

    def watched(done):
        def do(job_id):
            threads.append(threading.get_ident())
            return done(job_id)

        return do

    for name in ("work_folder", "clear_work_folder"):
        monkeypatch.setattr(studio.results, name, watched(getattr(studio.results, name)))
    job = await studio.order()
    studio.start()
    await studio.state(job, PAINTED)
    await until_idle(studio, job)
    assert len(threads) >= 2 and threading.get_ident() not in threads


class TwoPainters(LocalPainter):
    """Two painters with one client; a job may go from one to the other."""

    def __init__(self, client):
        super().__init__(client)
        self._other = LocalPainter(client)

    @property
    def idle(self):
        return super().idle or self._other.idle

    def reserve(self, needs):
        return super().reserve(needs) or self._other.reserve(needs)

    def listen(self, listener):
        super().listen(listener)
        self._other.listen(listener)


@pytest.mark.parametrize("studio", [TwoPainters], indirect=True)
async def test_the_next_attempt_waits_until_the_folder_of_the_last_is_cleared(studio, monkeypatch):
    clearing, cleared = threading.Event(), threading.Event()
    clear = studio.results.clear_work_folder

    def clear_slowly(job_id):
        clearing.set()
        cleared.wait(30)
        clear(job_id)

    monkeypatch.setattr(studio.results, "clear_work_folder", clear_slowly)
    studio.painter_client.fail(PainterLost("It is gone."))
    job = await studio.order()
    studio.start()
    await on_thread(clearing.wait, 30)
    # A second painter is free, and paints what others want.
    other = await studio.order(2)
    await studio.state(other, PAINTED)
    assert (await studio.jobs.get(job.id)).state is JobState.QUEUED
    cleared.set()
    assert (await studio.state(job, PAINTED, FAILED)).attempts == 2
    assert len(studio.painter_client.requests) == 3


async def until_idle(studio, job):
    async def look():
        return await studio.estimates.of(job) is None and not (
            studio.results.path(job.id).with_suffix("").exists()
        )

    await until(look)


async def test_every_end_is_counted(studio):
    studio.painter_client.hold()
    begun, queued = await studio.order(), await studio.order()
    studio.start()
    await studio.halfway(begun)
    await studio.estimates.all()
    assert "jetbrush_queue_length 1.0" in studio.metrics.render().decode()
    assert await studio.endings.cancel(queued.id)
    assert not await studio.endings.cancel(queued.id)
    assert studio.counted(CANCELLED)
    studio.painter_client.release()
    await studio.state(begun, PAINTED)
    assert studio.counted(PAINTED)


async def test_what_is_given_up_at_the_start_is_counted_and_logged(studio, caplog):
    job = await studio.order()
    for _ in range(MOST_ATTEMPTS - 1):
        await studio.jobs.take(job.id)
        await studio.jobs.recover()
    await studio.jobs.take(job.id)
    studio.start()
    await studio.state(job, FAILED)
    await until(lambda: wrapped(studio.counted(FAILED)))
    assert [each.levelno for each in caplog.records] == [logging.ERROR]


async def wrapped(value):
    return value


async def test_time_left_comes_from_the_job_s_own_speed_and_then_from_those_before(
    studio, monkeypatch
):
    studio.painter_client.hold()
    begun, queued = await studio.order(1), await studio.order(2)
    studio.start()
    await studio.halfway(begun)
    now = [1000.0]
    monkeypatch.setattr(board_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    studio.board.paintings[0].since = now[0] - 30

    async def left():
        found = await studio.estimates.all()
        return found[begun.id], found[queued.id]

    # Half of it took 30 s, and nothing is known of the other.
    assert await left() == (Estimate(0, pytest.approx(30)), Estimate(1, None))
    await studio.durations.learn(queued.order, 40)
    assert await left() == (Estimate(0, pytest.approx(30)), Estimate(1, pytest.approx(70)))
    # It has just begun: too little to go by.
    studio.board.begin(await studio.jobs.get(begun.id), None)
    studio.board.paintings[0].since = now[0] - 30
    assert await left() == (Estimate(0, pytest.approx(10)), Estimate(1, pytest.approx(50)))
    now[0] += 70
    assert await left() == (Estimate(0, 1.0), Estimate(1, pytest.approx(41)))
    assert await studio.estimates.of(begun) == Estimate(0, 1.0)
    assert (await studio.jobs.get(begun.id)).state == JobState.RUNNING


async def test_nothing_is_promised_before_the_first_of_a_kind(studio):
    first, second = (
        await studio.order(1),
        await studio.order(2, options=TranslateOptions(), model="a"),
    )
    third = await studio.order(3)
    await studio.durations.learn(first.order, 8)
    found = await studio.estimates.all()
    assert [found[job.id] for job in (first, second, third)] == [
        Estimate(1, 8),
        Estimate(2, None),
        Estimate(3, None),
    ]


async def test_the_pace_is_of_a_kind_and_size_and_outlives_the_bot(studio):
    small, large = order(), order(options=StylizeOptions(fine=512))
    zebra, other = (order(options=TranslateOptions(), model=name) for name in ("zebra", "vintage"))
    await studio.durations.learn(small, 10)
    await studio.durations.learn(small, 20)
    await studio.durations.learn(zebra, 2)
    heir = Durations(KeyValues(studio.database))
    expected = [await heir.expected(each) for each in (small, large, zebra, other)]
    assert expected == [pytest.approx(13), None, 2, None]


async def test_a_mix_outlives_a_restart_and_another_attempt(studio, monkeypatch):
    own = await studio.pictures.add(
        user_id=1, chat_id=1, message_id=1, file_id="own", media_kind=MediaKind.PHOTO
    )
    mix = mixed(StyleChoice(name="night-swirls"), StyleChoice(picture=own.id), 0.7)
    job = await studio.order(1, styles=mix)
    fetched = []

    async def fetch(_bot, file_id, path, _role):
        fetched.append(file_id)
        path.write_bytes(jpeg(plain("red")))

    monkeypatch.setattr(kept_downloads, "download", fetch)
    studio.painter_client.fail(PainterDied("The painter died."), None)
    studio.start()
    await studio.state(job, PAINTED)
    first, second = studio.painter_client.requests
    assert first == second and fetched == ["f", "own"]
    assert [weight for _, weight in second.styles] == [0.7, 0.3]
    night, own_file = (path for path, _ in second.styles)
    assert night.endswith("night-swirls.jpg") and own_file.endswith("style-1")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PainterDied("SIGSEGV", crashed=True), Reason.DAMAGED),
        (PainterStuck("no sign of life"), Reason.TOO_SLOW),
    ],
)
async def test_a_video_that_ends_the_painter_twice_is_refused(studio, error, reason):
    studio.painter_client.fail(error, error)
    job = await studio.order(1, options=VideoOptions())
    studio.start()
    await studio.state(job, refused(PictureRole.VIDEO, reason))
    assert len(studio.painter_client.requests) == 2


async def test_a_stop_within_the_grace_sends_the_picture(tmp_path):
    painter_client = FakePainterClient()
    painter_client.hold()
    async with Sandbox() as sandbox:
        config = config_for(sandbox, tmp_path / "state", stop_grace=30)
        anna = sandbox.user(name="Anna")
        async with running(config, painter_client):
            await order_pair(anna, [jpeg(plain("white")), jpeg(plain("green"))])
            await anna.wait_for(lambda message: "50%" in message.text)
            asyncio.get_running_loop().call_later(0.2, painter_client.release)
        await anna.wait_for(lambda message: "Your photo" in message.text, timeout=0.1)
    assert painter_client.cancelled == []
