"""What a user sees from the first message to the picture, by web hook and by polling."""

from __future__ import annotations

import pytest

from tests.bot.end_to_end.stage import jpeg, picture_of, plain

pytestmark = pytest.mark.usefixtures("service")


async def test_from_start_to_a_picture(sandbox):
    anna = sandbox.user(name="Anna")
    await anna.text("/start")
    menu = await anna.wait_for(lambda message: message.buttons)
    await anna.press(menu, "Style transfer")
    gallery = await anna.wait_for(lambda message: message.buttons, after=menu)
    await anna.press(gallery, "1")
    await anna.wait_for(lambda message: "photo" in message.text, after=gallery)
    photo = await anna.photo(jpeg(plain("green")))
    result = await anna.wait_for(
        lambda message: message.kind == "photo" and "Your photo" in message.text, after=photo
    )
    assert picture_of(sandbox, result).size == (120, 90)
