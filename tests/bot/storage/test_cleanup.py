from __future__ import annotations

import os
import threading
import time

import pytest

from bot.outcomes import PAINTED
from bot.storage.cleanup import Cleanup
from bot.storage.jobs import Jobs, Limits
from bot.storage.pictures import MediaKind, Pictures
from bot.storage.results import Results
from bot.storage.styles import StyleChoice, mixed
from bot.storage.updates import Updates
from bot.storage.users import Users
from runtime import StylizeOptions
from tests.support.bot.orders import order

HOUR = 3600


def age(database, table, column, seconds):
    then = time.time() - seconds
    return database.run(
        lambda connection: connection.execute(f"UPDATE {table} SET {column} = ?", (then,)) and None
    )


async def test_old_answered_jobs_go_with_their_files_and_all_else_stays(database, tmp_path):
    jobs, results = Jobs(database, Limits(9, 9)), Results(tmp_path / "results")
    old, waiting = [(await jobs.submit(order(user)))[0] for user in (1, 2)]
    await jobs.finish(old.id, PAINTED)
    await jobs.answered(old.id)
    for job in (old, waiting):
        results.work_folder(job.id)
        results.path(job.id).write_bytes(b"png")
        os.utime(results.path(job.id), (0, 0))
    await Cleanup(database, results, HOUR).clean_up()
    assert await jobs.get(old.id) is not None
    await age(database, "jobs", "finished", 2 * HOUR)
    await Cleanup(database, results, HOUR).clean_up()
    assert await jobs.get(old.id) is None
    assert not results.path(old.id).exists()
    assert await jobs.get(waiting.id) is not None
    assert results.path(waiting.id).exists()


async def test_files_are_looked_for_and_removed_beside_the_loop(database):
    threads = []

    class Watched:
        def orphans(self, known, older_than):
            threads.append(threading.get_ident())
            return {1}

        def remove(self, job_ids):
            threads.append(threading.get_ident())

    await Cleanup(database, Watched(), HOUR).clean_up()
    assert len(threads) == 2 and threading.get_ident() not in threads


async def test_pictures_stay_while_they_are_a_style_or_a_job_needs_them(database, tmp_path):
    pictures = Pictures(database)
    added = [
        await pictures.add(
            user_id=1, chat_id=1, message_id=n, file_id="f", media_kind=MediaKind.PHOTO
        )
        for n in range(6)
    ]
    *needed, useless = (picture.id for picture in added)
    style, second_style, photo, *of_job = needed
    mix = mixed(StyleChoice(picture=style), StyleChoice(picture=second_style))
    await Users(database, StylizeOptions()).choose_styles(1, mix)
    await Jobs(database, Limits(9, 9)).submit(
        order(picture=photo, styles=mixed(*(StyleChoice(picture=number) for number in of_job)))
    )
    await age(database, "pictures", "received", 2 * HOUR)
    await Cleanup(database, Results(tmp_path), HOUR).clean_up()
    left = [each for each in (*needed, useless) if await pictures.get(each)]
    assert left == needed


async def test_updates_are_remembered_for_as_long_as_telegram_may_send_them(database, tmp_path):
    updates = Updates(database)
    await updates.mark(7)
    await Cleanup(database, Results(tmp_path), 0).clean_up()
    assert not await updates.accept(7, {})
    await age(database, "updates", "seen", 49 * HOUR)
    await Cleanup(database, Results(tmp_path), 0).clean_up()
    assert await updates.accept(7, {})


@pytest.mark.parametrize("jump", [56 * 365 * 24 * HOUR, -5 * 24 * HOUR])
async def test_a_clock_that_is_set_makes_nothing_old_or_immortal(
    database, tmp_path, monkeypatch, jump
):
    """As on a board that starts in 1970 and then hears the time from the network."""
    jobs = Jobs(database, Limits(9, 9))
    job, _new = await jobs.submit(order())
    await jobs.finish(job.id, PAINTED)
    await jobs.answered(job.id)
    cleanup = Cleanup(database, Results(tmp_path), HOUR)
    real, began = time.time, time.monotonic()
    for elapsed, is_there in ((0, True), (0.5 * HOUR, True), (2 * HOUR, False)):
        shift = jump + elapsed
        monkeypatch.setattr(time, "time", lambda shift=shift: real() + shift)
        monkeypatch.setattr(time, "monotonic", lambda e=elapsed: began + e)
        await cleanup.clean_up()
        assert (await jobs.get(job.id) is not None) is is_there
        monkeypatch.undo()
