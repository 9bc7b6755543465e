from __future__ import annotations

import os
import threading
import time

from bot.outcomes import PAINTED
from bot.storage.cleanup import clean_up
from bot.storage.jobs import Jobs, Limits
from bot.storage.pictures import MediaKind, Pictures
from bot.storage.results import Results
from bot.storage.seen_updates import SeenUpdates
from bot.storage.users import StyleChoice, Users
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
    await clean_up(database, results, HOUR)
    assert await jobs.get(old.id) is not None
    await age(database, "jobs", "finished", 2 * HOUR)
    await clean_up(database, results, HOUR)
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

    await clean_up(database, Watched(), HOUR)
    assert len(threads) == 2 and threading.get_ident() not in threads


async def test_pictures_stay_while_they_are_a_style_or_a_job_needs_them(database, tmp_path):
    pictures = Pictures(database)
    added = [
        await pictures.add(
            user_id=1, chat_id=1, message_id=n, file_id="f", media_kind=MediaKind.PHOTO
        )
        for n in range(4)
    ]
    style, photo, style_of_job, useless = (picture.id for picture in added)
    await Users(database, StylizeOptions()).choose_style(1, StyleChoice(picture=style))
    await Jobs(database, Limits(9, 9)).submit(
        order(picture=photo, style=StyleChoice(picture=style_of_job))
    )
    await age(database, "pictures", "received", 2 * HOUR)
    await clean_up(database, Results(tmp_path), HOUR)
    left = [each for each in (style, photo, style_of_job, useless) if await pictures.get(each)]
    assert left == [style, photo, style_of_job]


async def test_updates_are_remembered_for_as_long_as_telegram_may_send_them(database, tmp_path):
    updates = SeenUpdates(database)
    await updates.mark(7)
    await clean_up(database, Results(tmp_path), 0)
    assert await updates.seen(7)
    await age(database, "updates", "seen", 49 * HOUR)
    await clean_up(database, Results(tmp_path), 0)
    assert not await updates.seen(7)
