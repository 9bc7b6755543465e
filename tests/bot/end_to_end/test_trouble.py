"""Telegram, the painter or the user make trouble: the picture comes all the same, or a sentence."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.errors import PainterDied, PaintingFailed
from bot.storage.database import Database
from bot.storage.updates import Updates
from tests.support.bot.crowd import is_result
from tests.support.bot.doubles import FakePainterClient, mean_colour, painted_by_double
from tests.support.bot.guest import Guest
from tests.support.bot.running import running
from tests.support.bot.stage import config_for, jpeg, picture_of, plain

GREEN = plain("green")
#: The entity that Telegram adds to a text of "/start".
COMMAND = {"type": "bot_command", "offset": 0, "length": 6}


@pytest.fixture(params=["webhook"])
def mode(request):
    return request.param


@pytest.fixture()
async def anna(sandbox, service):
    return await with_own_style(sandbox.user(name="Anna"), "white")


async def with_own_style(user, colour):
    """A user whose next photos are repainted in a plain colour."""
    await user.text("/styles")
    gallery = await user.wait_for(lambda message: message.buttons)
    await user.press(gallery, "My own picture")
    asked = await user.wait_for(after=gallery)
    style = await user.photo(jpeg(plain(colour)))
    await user.wait_for(after=style)
    assert asked.text
    return user


@pytest.fixture()
def impatient(service, monkeypatch):
    """A bot that does not wait for a silent Telegram as long as usual."""
    monkeypatch.setattr(service.bot.session, "timeout", 0.5)
    monkeypatch.setattr("bot.telegram.downloads._SECONDS", 0.5)


def results(user):
    return [each for each in user.messages if each.from_bot and is_result(each)]


FAULTS = [
    ("sendMessage", "flood", {}),
    ("sendMessage", "error", {}),
    ("sendMessage", "drop", {}),
    ("getFile", "flood", {}),
    ("getFile", "error", {"times": 2}),
    ("getFile", "drop", {"times": 5}),
    ("download", "error", {"times": 2}),
    ("download", "drop", {"times": 2}),
    ("editMessageMedia", "flood", {"times": 2}),
    ("editMessageMedia", "error", {"times": 5}),
    ("editMessageMedia", "gateway", {}),
    ("editMessageMedia", "drop", {}),
    ("editMessageMedia", "drop", {"after": True}),
    # Never answered at all.
    ("sendMessage", "hold", {}),
    ("getFile", "hold", {}),
    ("download", "hold", {}),
    ("editMessageMedia", "hold", {}),
    ("editMessageMedia", "hold", {"after": True}),
]


@pytest.mark.parametrize(
    ("method", "kind", "settings"), FAULTS, ids=lambda value: str(value).strip("{}")
)
async def test_telegram_fails_for_a_while_and_the_picture_comes_once(
    sandbox, anna, impatient, method, kind, settings
):
    fault = sandbox.faults.add(method, kind, **settings)
    photo = await anna.photo(jpeg(GREEN))
    await anna.wait_for(is_result, timeout=40, after=photo)
    assert fault.hits
    assert len(results(anna)) == 1


async def test_an_answer_that_telegram_will_never_take_ends_the_job(sandbox, service, anna):
    fault = sandbox.faults.add("editMessageMedia", "rights", times=None)
    photo = await anna.photo(jpeg(GREEN))
    sorry = await anna.wait_for(
        lambda message: "could not paint" in message.text, timeout=40, after=photo
    )
    assert fault.hits and sorry.text
    sandbox.faults.clear()
    # The next one is answered as ever.
    again = await anna.photo(jpeg(GREEN))
    await anna.wait_for(is_result, timeout=40, after=again)
    assert len(results(anna)) == 1


async def test_a_file_that_is_gone_from_the_server_is_told_at_once(sandbox, anna):
    fault = sandbox.faults.add("download", "rights", times=None)
    photo = await anna.photo(jpeg(GREEN))
    await anna.wait_for(lambda message: "no longer" in message.text, timeout=20, after=photo)
    # Neither the job nor its sketch asks again.
    assert 1 <= fault.hits <= 2


async def test_a_user_who_blocks_the_bot_ends_the_job_quietly(
    sandbox, anna, painter_client, service, caplog
):
    painter_client.hold()
    photo = await anna.photo(jpeg(GREEN))
    await anna.wait_for(lambda message: "%" in message.text, after=photo)
    await anna.block()
    painter_client.release()
    while await service.parts.jobs.active():
        await asyncio.sleep(0.02)
    assert not results(anna)
    assert not [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")]


async def test_a_deleted_status_message_does_not_cost_the_picture(sandbox, anna, painter_client):
    painter_client.hold()
    photo = await anna.photo(jpeg(GREEN))
    status = await anna.wait_for(lambda message: "%" in message.text, after=photo)
    await anna.delete(status)
    painter_client.release()
    await anna.wait_for(is_result, after=photo)


async def test_a_picture_whose_answer_is_lost_comes_once(sandbox, anna, painter_client):
    painter_client.hold()
    await anna.photo(jpeg(GREEN))
    status = await anna.wait_for(lambda message: "50%" in message.text)
    await anna.delete(status)
    # The message cannot be edited, and the answer to a new one is lost.
    sandbox.faults.add("sendPhoto", "drop", after=True)
    painter_client.release()
    # The new one is found, and edited instead of sent again.
    await sandbox.wait_for_call(
        lambda call: (
            call.method == "editMessageMedia" and call.code == 200 and call.message_id > status.id
        )
    )
    assert len(results(anna)) == 1


async def test_a_painter_that_fails_twice_is_tried_a_third_time(sandbox, anna, painter_client):
    painter_client.fail(PainterDied("killed"), PaintingFailed("CUDA out of memory", retriable=True))
    photo = await anna.photo(jpeg(GREEN))
    await anna.wait_for(is_result, after=photo)


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    "errors",
    [
        [PaintingFailed("CUDA out of memory", retriable=True)] * 3,
        [PaintingFailed("There is no engine", retriable=False)],
    ],
    ids=["no memory", "no engine"],
)
async def test_a_painter_that_cannot_is_told_in_a_sentence(
    sandbox, service, painter_client, errors, language
):
    guest = Guest(sandbox, language)
    await guest.chooses_style()
    painter_client.fail(*errors)
    photo = await guest.sends(GREEN)
    words = (
        "I could not paint this one. Please try a smaller size in /settings, or try again later."
    )
    await guest.hears(words, after=photo)
    assert len(painter_client.requests) == len(errors)
    assert guest.image(await guest.gets(after=await guest.sends(GREEN))).size == GREEN.size
    guest.check()


async def test_nobody_gets_anothers_picture(sandbox, service):
    colours = {"red": (200, 30, 30), "green": (30, 160, 40), "blue": (20, 40, 210)}
    users = {}
    for name, colour in colours.items():
        users[name] = await with_own_style(sandbox.user(name=name), colour)
    photos = {name: plain(colour, (90, 60)) for name, colour in colours.items()}
    for _ in range(3):
        await asyncio.gather(*(users[name].photo(jpeg(photos[name])) for name in users))
    for name, user in users.items():
        await user.wait_for(lambda message, user=user: len(results(user)) == 3, timeout=30)
        expected = mean_colour(painted_by_double(photos[name], colours[name]))
        for result in results(user):
            got = mean_colour(picture_of(sandbox, result))
            assert max(abs(a - b) for a, b in zip(got, expected)) <= 4, name


async def test_an_update_without_the_secret_is_refused_and_nothing_is_done(sandbox, service):
    anna = sandbox.user(name="Anna")
    forged = {
        "update_id": 77,
        "message": {
            "message_id": 1,
            "date": 0,
            "chat": {"id": anna.id, "type": "private"},
            "from": {"id": anna.id, "is_bot": False, "first_name": "Anna"},
            "text": "/start",
        },
    }
    async with aiohttp.ClientSession() as session:
        for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guess"}):
            url = f"http://127.0.0.1:{service.port}/telegram"
            async with session.post(url, json=forged, headers=headers) as response:
                assert response.status == 401
    assert not [call for call in sandbox.calls if call.chat_id == anna.id]


@pytest.mark.parametrize("spoiler", [False, True])
async def test_a_covered_photo_stays_covered(sandbox, service, painter_client, spoiler):
    anna = sandbox.user(name="Anna")
    await anna.text("/styles")
    gallery = await anna.wait_for(lambda message: message.buttons)
    await anna.press(gallery, "1")
    painter_client.hold()
    await anna.photo(jpeg(plain("green")), spoiler=spoiler)
    preview = await anna.wait_for(lambda message: "50%" in message.text and message.kind == "photo")
    assert bool(preview.raw.get("has_media_spoiler")) is spoiler
    painter_client.release()
    result = await anna.wait_for(lambda message: "Your photo" in message.text)
    assert bool(result.raw.get("has_media_spoiler")) is spoiler


async def test_an_update_that_was_accepted_before_the_bot_died_is_handled(sandbox, tmp_path):
    anna = sandbox.user(name="Anna")
    # It opens the chat: a bot cannot write to a user first.
    await anna.sticker()
    database = await Database(tmp_path / "jetbrush.sqlite3").open()
    message = {
        "message_id": 1,
        "date": 0,
        "chat": {"id": anna.id, "type": "private"},
        "from": anna.raw,
        "text": "/start",
        "entities": [COMMAND],
    }
    await Updates(database).accept(1, {"update_id": 1, "message": message})
    await database.close()
    async with running(config_for(sandbox, tmp_path), FakePainterClient()):
        await anna.wait_for(lambda message: "Hello" in message.text)
