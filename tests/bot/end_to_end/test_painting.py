"""Pictures at fault, a long painting, and a painter without engines, with the real runtime."""

from __future__ import annotations

import time
import zlib

import pytest

from bot.painting.client import PainterClient, painter_command
from tests.support.bot.guest import Guest
from tests.support.bot.running import running
from tests.support.bot.stage import config_for, jpeg, plain, png
from tests.support.pictures import photo as real_photo

DONE = {"en": "Your photo", "ru": "Ваше фото"}
LANGUAGES = ["en", pytest.param("ru", marks=pytest.mark.any_python)]
STYLE_TRANSFER = {"en": "Style transfer", "ru": "Перенос стиля"}


@pytest.fixture()
async def service(sandbox, engines, tmp_path):
    painter_client = PainterClient(painter_command(engines))
    config = config_for(sandbox, tmp_path / "state")
    async with running(config, painter_client) as service:
        yield service


@pytest.fixture()
async def slow_service(sandbox, engines, tmp_path):
    config = config_for(sandbox, tmp_path / "state", steps=1000, size=96)
    async with running(config, PainterClient(painter_command(engines))) as service:
        yield service


@pytest.fixture()
async def bare_service(sandbox, tmp_path):
    """A bot whose engines were never made."""
    painter_client = PainterClient(painter_command(tmp_path / "nothing"))
    async with running(config_for(sandbox, tmp_path / "state"), painter_client) as service:
        yield service


def is_done(user):
    return lambda message: message.kind != "text" and DONE[user.language] in message.text


async def choose_first_style(user):
    await user.text("/start")
    menu = await user.wait_for(lambda message: message.buttons)
    await user.press(menu, STYLE_TRANSFER[user.language])
    gallery = await user.wait_for(lambda message: message.buttons, after=menu)
    await user.press(gallery, "1")
    return await user.wait_for(lambda message: "1." not in message.text, after=gallery)


BAD = {
    "broken": (jpeg(real_photo(120, 90))[:900], "damaged", "повреждена"),
    "no picture": (b"just some text, whatever its name says", "open this file", "Не получается"),
    "1x1": (png(plain("red", (1, 1))), "too small", "слишком мал"),
    "bomb": (None, "too large", "слишком больш"),
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_pictures_at_fault_get_one_sentence_each(sandbox, service, language):
    user = sandbox.user(language_code=language)
    await choose_first_style(user)
    for name, (data, english, russian) in BAD.items():
        data = bomb() if data is None else data
        sent = await user.document(data, f"{name}.png", mime_type="image/png")
        words = english if language == "en" else russian
        await user.wait_for(lambda message, words=words: words in message.text, 30, after=sent)
        answers = [each for each in user.messages if each.id > sent.id and each.from_bot]
        assert len(answers) == 1, name
    sent = await user.photo(jpeg(real_photo(120, 90)))
    await user.wait_for(is_done(user), timeout=60, after=sent)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_without_engines_a_sentence_says_what_may_help(sandbox, bare_service, language):
    guest = Guest(sandbox, language)
    await guest.chooses_style()
    sent = await guest.sends(real_photo(96, 72))
    told = await guest.hears(
        "I could not paint this one. Please try a smaller size in /settings, or try again later.",
        after=sent,
    )
    assert told.reply_to == sent.id and not told.buttons
    assert (await guest.says("/status")).text == guest.words(
        "You have nothing in the queue. Send me a photo!"
    )
    guest.check()


@pytest.mark.alone
async def test_a_running_job_is_cancelled_within_two_seconds(sandbox, slow_service):
    user = sandbox.user()
    await choose_first_style(user)
    sent = await user.photo(jpeg(real_photo(128, 128)))
    await user.wait_for(lambda message: "1%" in message.text, timeout=60, after=sent)
    begin = time.monotonic()
    await user.text("/cancel")
    await user.wait_for(lambda message: message.text == "Cancelled.", after=sent)
    assert time.monotonic() - begin < 2
    await user.text("/status")
    await user.wait_for(lambda message: "You have nothing in the queue" in message.text)


def bomb():
    """A PNG that says it has 900 megapixels."""
    data = bytearray(png(plain("red", (64, 64))))
    data[16:24] = (30000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)
