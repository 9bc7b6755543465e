"""Photos from Telegram: downloaded once for all that need them, and not kept for long."""

from __future__ import annotations

import asyncio
import errno

import pytest

from bot.jobs import kept_downloads
from bot.jobs.kept_downloads import KeptDownloads
from bot.outcomes import PictureRole
from bot.storage.pictures import MediaKind, Picture
from tests.support.bot.conversation import until

PHOTO = PictureRole.PHOTO


def picture(number):
    return Picture(number, 1, 1, 1, f"file-{number}", MediaKind.PHOTO)


@pytest.fixture()
def telegram(monkeypatch):
    """The file ids of all downloads; each file has 10 bytes."""
    asked = []

    async def download(_bot, file_id, path, _role):
        asked.append(file_id)
        await asyncio.sleep(0)
        path.write_bytes(file_id.ljust(10).encode())

    monkeypatch.setattr(kept_downloads, "download", download)
    return asked


@pytest.fixture()
def kept(tmp_path):
    return KeptDownloads(None, tmp_path / "kept")


def names(tmp_path):
    return sorted(each.name for each in (tmp_path / "kept").glob("*"))


async def test_a_photo_is_downloaded_once_for_all(kept, telegram, tmp_path):
    paths = [tmp_path / name for name in ("sheet", "sketch", "job")]
    await asyncio.gather(*(kept.fetch(picture(1), path, PHOTO) for path in paths[:2]))
    await kept.fetch(picture(1), paths[2], PHOTO)
    await kept.fetch(picture(2), tmp_path / "other", PHOTO)
    assert telegram == ["file-1", "file-2"]
    assert {path.read_bytes() for path in paths} == {b"file-1    "}
    await kept.clear()
    assert names(tmp_path) == [] and all(path.exists() for path in paths)


async def test_the_oldest_go_where_there_is_no_room(kept, telegram, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_downloads, "MOST_BYTES", 25)
    for number in (1, 2, 3):
        await kept.fetch(picture(number), tmp_path / "photo", PHOTO)
    assert names(tmp_path) == ["2", "3"]


async def test_old_photos_and_those_of_an_earlier_run_are_deleted(
    kept, telegram, tmp_path, monkeypatch
):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "7").write_bytes(b"of an earlier run")
    await kept.fetch(picture(1), tmp_path / "photo", PHOTO)
    running = asyncio.ensure_future(kept.run())
    try:
        await until(lambda: as_awaitable(names(tmp_path) == ["1"]))
        running.cancel()
        monkeypatch.setattr(kept_downloads, "KEPT_SECONDS", -1)
        running = asyncio.ensure_future(kept.run())
        await until(lambda: as_awaitable(names(tmp_path) == []))
    finally:
        running.cancel()
    await kept.fetch(picture(1), tmp_path / "photo", PHOTO)
    assert telegram == ["file-1"] * 2


async def as_awaitable(value):
    return value


async def test_a_file_that_somebody_removed_is_downloaded_again(kept, telegram, tmp_path):
    for _ in range(2):
        await kept.fetch(picture(1), tmp_path / "photo", PHOTO)
        (tmp_path / "kept" / "1").unlink()
    assert telegram == ["file-1"] * 2
    await kept.clear()


async def test_a_video_is_not_kept(kept, telegram, tmp_path):
    await kept.fetch(picture(1), tmp_path / "video", PictureRole.VIDEO)
    assert (tmp_path / "video").exists() and names(tmp_path) == []


async def test_a_photo_that_cannot_be_kept_is_fetched_all_the_same(
    kept, telegram, tmp_path, monkeypatch
):
    def full(_source, _target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(kept_downloads.shutil, "copyfile", full)
    for _ in range(2):
        await kept.fetch(picture(1), tmp_path / "photo", PHOTO)
    assert telegram == ["file-1"] * 2 and (tmp_path / "photo").exists()
