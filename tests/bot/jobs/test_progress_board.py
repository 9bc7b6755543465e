from __future__ import annotations

import asyncio
from pathlib import Path

from bot.jobs.progress_board import ProgressBoard
from bot.painting.protocol import PaintProgress
from bot.storage.jobs import Job, JobState
from tests.support.bot.orders import order


def job(number):
    return Job(number, order(), JobState.RUNNING, None, 1, None, 0.0, 0.0, None)


def test_only_jobs_that_are_painted_have_progress_and_a_preview():
    board, changes = ProgressBoard(), []
    board.listen(lambda: changes.append(1))
    board.begin(job(1), None)
    assert board.progress(1) is None and board.preview(1) == (None, 0)
    first = PaintProgress(share=0.5, step=5, steps=10, preview=Path("a.jpg"))
    board.report(1, first)
    board.report(1, PaintProgress(share=0.6, step=6, steps=10))
    assert board.progress(1).share == 0.6 and board.preview(1) == (Path("a.jpg"), 2)
    assert board.progress(2) is None and board.preview(2) == (None, 0)
    board.begin(job(2), None)
    assert board.progress(2) is None and board.preview(2) == (None, 0)
    board.end(1)
    assert board.progress(1) is None
    board.end(2)
    assert not board.paintings and len(changes) == 6


def test_a_sketch_is_seen_until_the_painting_shows_more():
    board, early, late = ProgressBoard(), Path("early.jpg"), Path("late.jpg")
    board.sketched(1, Path("sketch.jpg"))
    assert board.preview(1) == (Path("sketch.jpg"), 1)
    board.begin(job(1), None)
    board.report(1, PaintProgress(share=0.1, step=1, steps=10, preview=early))
    assert board.preview(1) == (Path("sketch.jpg"), 1)
    board.report(1, PaintProgress(share=0.4, step=4, steps=10, preview=late))
    assert board.preview(1) == (late, 2)
    board.end(1)
    # Queued once more, as after a painter's death.
    assert board.preview(1) == (Path("sketch.jpg"), 1)
    board.forget_sketches(besides=())
    assert board.preview(1) == (None, 0)


async def test_an_interrupt_stops_one_painting_and_no_other():
    board = ProgressBoard()
    painting = asyncio.ensure_future(asyncio.sleep(60))
    board.begin(job(1), painting)
    board.interrupt(2)
    await asyncio.sleep(0)
    assert not painting.cancelled()
    board.interrupt(1)
    await asyncio.wait([painting])
    assert painting.cancelled()
