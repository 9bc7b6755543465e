"""Painted pictures become what Telegram takes, whatever their size and shape."""

from __future__ import annotations

import io

import pytest
from aiogram.types import BufferedInputFile, FSInputFile, InputMediaDocument, InputMediaPhoto
from PIL import Image

from bot.chat import media
from bot.chat.media import PHOTO_BYTES
from bot.storage.pictures import MediaKind
from tests.support.bot.doubles import mean_colour

COLOUR = (200, 40, 90)


@pytest.fixture()
def painted(tmp_path):
    """Writes a painted picture of a size, of one colour or of noise; returns its path."""

    def write(size, noise=False):
        image = Image.effect_noise(size, 120) if noise else Image.new("RGB", size, COLOUR)
        image.convert("RGB").save(tmp_path / "1.png", compress_level=1)
        return tmp_path / "1.png"

    return write


def opened(file):
    return Image.open(io.BytesIO(file.data))


async def test_a_photo_comes_back_as_a_jpeg(painted):
    found = await media.painted(painted((120, 90)), MediaKind.PHOTO, "Here")
    assert isinstance(found, InputMediaPhoto) and found.caption == "Here"
    assert found.media.filename == "jetbrush.jpg"
    image = opened(found.media)
    assert (image.format, image.size) == ("JPEG", (120, 90))
    assert max(abs(a - b) for a, b in zip(mean_colour(image), COLOUR)) <= 3


async def test_a_file_comes_back_as_the_png_itself(painted):
    path = painted((120, 90))
    found = await media.painted(path, MediaKind.DOCUMENT, "Here")
    assert isinstance(found, InputMediaDocument) and found.caption == "Here"
    assert isinstance(found.media, FSInputFile) and found.media.path == path
    assert found.media.filename == "jetbrush.png"


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        ((640, 32), InputMediaPhoto),
        ((641, 32), InputMediaDocument),
        ((32, 641), InputMediaDocument),
        ((9000, 1000), InputMediaPhoto),
        ((9000, 1001), InputMediaDocument),
    ],
    ids=str,
)
async def test_a_shape_that_is_no_photo_goes_as_a_file(painted, size, kind):
    assert isinstance(await media.painted(painted(size), MediaKind.PHOTO, ""), kind)


async def test_a_photo_too_heavy_for_telegram_is_compressed_more(painted, monkeypatch):
    path = painted((400, 300), noise=True)
    best = len((await media.painted(path, MediaKind.PHOTO, "")).media.data)
    monkeypatch.setattr(media, "PHOTO_BYTES", best - 1)
    found = await media.painted(path, MediaKind.PHOTO, "")
    assert isinstance(found, InputMediaPhoto) and len(found.media.data) < best


async def test_a_photo_that_stays_too_heavy_goes_as_a_file(painted, monkeypatch):
    assert PHOTO_BYTES <= 10_000_000
    monkeypatch.setattr(media, "PHOTO_BYTES", 1000)
    found = await media.painted(painted((400, 300), noise=True), MediaKind.PHOTO, "Here")
    assert isinstance(found, InputMediaDocument) and found.caption == "Here"
    assert isinstance(found.media, FSInputFile)


async def test_a_png_too_heavy_for_telegram_goes_as_a_jpeg(painted, monkeypatch):
    path = painted((400, 300), noise=True)
    monkeypatch.setattr(media, "DOCUMENT_BYTES", path.stat().st_size)
    assert isinstance(await media.document(path), FSInputFile)
    monkeypatch.setattr(media, "DOCUMENT_BYTES", path.stat().st_size - 1)
    for file in (
        await media.document(path),
        (await media.painted(path, MediaKind.DOCUMENT, "")).media,
    ):
        assert isinstance(file, BufferedInputFile) and file.filename == "jetbrush.jpg"
        image = opened(file)
        assert (image.format, image.size) == ("JPEG", (400, 300))


@pytest.mark.parametrize("form", [MediaKind.PHOTO, MediaKind.DOCUMENT])
async def test_a_picture_that_is_gone(tmp_path, form):
    with pytest.raises(FileNotFoundError):
        await media.painted(tmp_path / "2.png", form, "")


async def test_a_file_too_heavy_and_too_long_for_a_jpeg_is_made_smaller(painted, monkeypatch):
    monkeypatch.setattr(media, "DOCUMENT_BYTES", 1000)
    found = await media.painted(painted((66_000, 64), noise=True), MediaKind.DOCUMENT, "")
    image = opened(found.media)
    assert (image.format, image.width) == ("JPEG", 65_500)
