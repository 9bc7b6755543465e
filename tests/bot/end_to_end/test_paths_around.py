"""What leads to no picture by itself: settings, the queue, the language, and what is forgotten."""

from __future__ import annotations

import numpy as np
import pytest

from bot.chat.commands import described_commands
from runtime import installed_styles
from tests.support.bot.guest import I18N, job_of, labels
from tests.support.bot.stage import difference
from tests.support.pictures import photo as real_photo

pytestmark = pytest.mark.asyncio(loop_scope="module")

STYLE = next(iter(installed_styles().values()))
GIVEN = real_photo(96, 72)
QUESTION = "What shall I do with this photo?"
STALE = "This button is out of date. /start opens a fresh menu."
OTHER = {"en": "ru", "ru": "en"}
NAMES = {"en": "English", "ru": "Русский"}


async def painted(guest, given=GIVEN):
    """A photo in the chosen style: the message with it, and the picture."""
    result = await guest.gets(after=await guest.sends(given))
    return result, guest.image(result)


def colours(image):
    """A picture's colours, without its light and dark."""
    return np.asarray(image.convert("YCbCr"))[..., 1:]


async def test_settings_have_an_effect(guest):
    menu = await guest.says("/start")
    await guest.press(menu, "Settings")
    page = await guest.person.wait_for(lambda message: "64 px" in message.text, after=menu)
    await guest.chooses_style()
    given = real_photo(160, 40)
    _, usual = await painted(guest, given)
    noted = guest.words("Noted for the next photos.")
    assert await guest.press(page, "5") == noted
    _, strong = await painted(guest, given)
    assert await guest.press(page, "1") == noted
    _, gentle = await painted(guest, given)
    assert difference(gentle, given) < difference(usual, given) < difference(strong, given)
    assert await guest.press(page, "5") == noted
    assert await guest.press(page, "Keep the photo's colours") == noted
    _, in_its_colours = await painted(guest, given)
    nearer, farther = colours(in_its_colours), colours(strong)
    assert difference(nearer, colours(given)) < difference(farther, colours(given)) / 2
    assert await guest.press(page, "Broad brush") == noted
    _, broader = await painted(guest, given)
    assert broader.size == given.size and difference(broader, in_its_colours) > 1
    ticked = [label for label in labels(page) if label.startswith("✓")]
    words = map(guest.words, ("Broad brush", "Keep faces", "Keep the photo's colours"))
    assert ticked == [f"✓ {each}" for each in ("5", "64 px", *words)]


async def test_status_and_cancel(guest, scene):
    await guest.chooses_style()
    held = scene.sandbox.faults.hold("getFile", times=None)
    first = await guest.sends(GIVEN)
    await held.reached()
    # Else it may come after a command, in place of its answer.
    await guest.person.wait_for(lambda message: message.from_bot and message.reply_to == first.id)
    second = await guest.sends(real_photo(72, 96))
    place = {"text": "Your place in the queue: {place}.", "place": 1}
    waiting = await guest.hears(after=second, **place)
    told = await guest.says("/status")
    assert told.text.count(STYLE.title[guest.language]) == 2
    assert guest.words("Your place in the queue: {place}.", place=1) in told.text
    assert await guest.press(waiting, "Cancel") == guest.words("Cancelled.")
    await guest.hears("Cancelled.", after=second)
    told = await guest.says("/cancel")
    one, many = "Cancelled {n} picture.", "Cancelled {n} pictures."
    assert told.text == I18N.gettext(one, many, 1, locale=guest.language).format(n=1)
    await guest.hears("Cancelled.", after=first)
    held.release()
    told = await guest.says("/status")
    assert told.text == guest.words("You have nothing in the queue. Send me a photo!")
    told = await guest.says("/cancel")
    assert told.text == guest.words("There is nothing to cancel.")
    # The bot goes on, and knows the style though not what is to be done.
    question = await guest.hears(QUESTION, after=await guest.sends(GIVEN))
    await guest.press(question, "Repaint: {style}", style=STYLE.title[guest.language])
    assert guest.image(await guest.gets(after=question)).size == GIVEN.size


async def test_another_language(guest):
    question = await guest.says("/language")
    assert labels(question) == list(NAMES.values())
    guest.check()
    guest.language = OTHER[guest.language]
    await guest.press(question, NAMES[guest.language])
    words = guest.words("OK, English it is. What shall we do?")
    await guest.person.wait_for(lambda message: message.text == words)
    assert guest.words("Style transfer") in labels(question)
    # Whatever Telegram says, from now on all is in that language; the end of the test looks.
    told = await guest.chooses_style()
    assert STYLE.title[guest.language] in told.text
    result, _ = await painted(guest)
    caption = guest.words("Your photo in the style “{style}”.", style=STYLE.title[guest.language])
    assert result.text == caption


async def test_forget(guest, scene):
    await guest.chooses_style()
    result, _ = await painted(guest)
    path = scene.results / f"{job_of(result)}.png"
    question = await guest.says("/forget")
    await guest.press(question, "Keep it")
    assert path.exists()
    question = await guest.says("/forget")
    await guest.press(question, "Delete everything")
    await guest.person.wait_for(lambda message: message is question and not message.buttons)
    assert not path.exists()
    for label in ("Original file (PNG)", "Stronger", "Another style"):
        assert await guest.press(result, label) == guest.words(STALE)
    question = await guest.hears(QUESTION, after=await guest.sends(GIVEN))
    assert guest.words("Repaint this") in labels(question)


async def test_every_command_is_answered_in_the_users_language(guest):
    with I18N.context(), I18N.use_locale(guest.language):
        described = described_commands()
    told = await guest.says("/help")
    for name, text in described.items():
        assert f"/{name}: {text}" in told.text
        assert (await guest.says(f"/{name}")).from_bot


async def test_what_is_no_photo_is_answered_and_the_bot_goes_on(guest):
    person = guest.person
    for send, words in (
        (person.sticker, "Nice sticker! But it's photos that I repaint: send me one."),
        (person.voice, "I can't listen, only look. Send me a photo."),
    ):
        sent = await send()
        assert (await person.wait_for(after=sent)).text == guest.words(words)
    told = await guest.says("What can you do?")
    words = "I understand pictures better than words. Send me a photo, or see /help."
    assert told.text == guest.words(words)
    await guest.hears(QUESTION, after=await guest.sends(GIVEN))
