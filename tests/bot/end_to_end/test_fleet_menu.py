"""What people read of a bot whose own machine does not paint."""

from __future__ import annotations

import pytest

from bot.painting.fleet import dispatch
from tests.support.bot.running import running
from tests.support.bot.stage import config_for, jpeg, plain
from tests.support.fleet.painters import Client, Office

AWAY = "All my painters are away right now."
UNABLE = "The painter that can do this is away right now."


@pytest.fixture()
async def anna(sandbox, server, tmp_path, monkeypatch):
    monkeypatch.setattr(dispatch, "_GREETING", 0.0)
    config = config_for(sandbox, tmp_path / "state", nats_url=server.url, local_painter="no")
    async with running(config, None):
        yield sandbox.user(name="Anna")


@pytest.fixture()
async def office(server, tmp_path):
    """Painters without a bot of their own."""
    office = Office(server.url, tmp_path)
    yield office
    for name in list(office.painters):
        await office.stop(name)


def labels(message):
    return [button.text for row in message.buttons for button in row]


async def menu(user):
    asked = await user.text("/start")
    return await user.wait_for(lambda message: message.buttons, after=asked)


async def test_a_photo_waits_for_a_painter_and_the_menu_shows_what_it_can_do(anna, office):
    assert "Vintage photo" not in labels(await menu(anna))
    await anna.press(await menu(anna), "Style transfer")
    gallery = await anna.wait_for(lambda message: "1" in labels(message))
    await anna.press(gallery, "1")
    await anna.wait_for(lambda message: "Now send" in message.text)
    photo = await anna.photo(jpeg(plain("teal")))
    waiting = await anna.wait_for(lambda message: AWAY in message.text)
    assert waiting.reply_to == photo.id and labels(waiting) == ["Cancel"]
    await anna.text("/status")
    await anna.wait_for(lambda message: AWAY in message.text, after=waiting)

    office.hire("desktop", generators=("vintage",))
    await anna.wait_for(lambda message: "Your photo in the style" in message.text)
    await anna.press(await menu(anna), "Vintage photo")
    await anna.wait_for(lambda message: "now send me the photo" in message.text)

    # It is away, and another one cannot do it.
    await office.stop("desktop")
    office.hire("nano")
    await anna.photo(jpeg(plain("navy")))
    await anna.wait_for(lambda message: UNABLE in message.text)
    assert "Vintage photo" in labels(await menu(anna))
    office.hire("desktop", Client(), generators=("vintage",))
    await anna.wait_for(lambda message: message.text == "Vintage photo" and message.kind == "photo")
