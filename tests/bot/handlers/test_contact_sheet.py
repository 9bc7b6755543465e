"""A photo without a chosen style: the question, and the sheet of sketches that it becomes."""

from __future__ import annotations

import pytest

from bot.storage.styles import StyleChoice
from tests.support.bot.orders import style_of
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import QUESTION, STYLES, set_mode

HEAD = "Which style shall I paint this photo in? These are sketches."


def labels(message):
    return [button.text for row in message.buttons for button in row]


@pytest.fixture(autouse=True)
def sketching(conversation):
    conversation.painter_client.sketching = True
    return conversation.painter_client


async def test_the_question_becomes_a_sheet_with_a_number_for_each_style(
    anna, conversation, generators
):
    generators("horse2zebra")
    photo = await anna.person.photo(picture((1200, 900)))
    sheet = await anna.answer()
    assert sheet.kind == "photo" and sheet.raw["reply_to_message"]["message_id"] == photo.id
    titles = [style.title[anna.language] for style in STYLES]
    lines = [f"{number}. {title}" for number, title in enumerate(titles, 1)]
    assert sheet.text.split("\n") == [anna.words(HEAD), *lines]
    numbers = [str(number) for number in range(1, len(STYLES) + 1)]
    others = [anna.words("My own picture"), anna.words("Use it as a style")]
    assert labels(sheet)[:-1] == numbers + others
    # It was a question that could be answered from the first moment on.
    assert sheet.versions[0]["text"] == anna.words(QUESTION)
    await anna.press(sheet, "2")
    order = (await conversation.the_job(anna)).order
    assert style_of(order) == StyleChoice(name=STYLES[1].name)
    (request,) = conversation.painter_client.sketched
    assert len(request.looks) == len(STYLES)


async def test_the_user_s_own_style_is_on_the_sheet(anna, conversation):
    await anna.person.photo(picture())
    await anna.press(await anna.answer(), "Use it as a style")
    # The style is remembered, but no longer taken for whatever comes.
    await anna.says("/start")
    await anna.person.photo(picture())
    sheet = await anna.answer()
    last = len(STYLES) + 1
    assert sheet.text.split("\n")[-1] == f"{last}. {anna.words('your own picture')}"
    await anna.press(sheet, str(last))
    assert style_of((await conversation.the_job(anna)).order).picture is not None


async def test_without_sketches_the_question_stays(boris, sketching):
    sketching.sketching = False
    await boris.person.photo(picture())
    question = await boris.answer()
    assert question.text == QUESTION and not question.versions
    await boris.press(question, "Repaint this")
    assert "Choose a style:" in boris.heard()[-1].text


async def test_a_photo_for_a_chosen_style_is_not_asked_about(boris, sketching):
    await set_mode(boris)
    await boris.person.photo(picture())
    await boris.conversation.settled()
    assert not sketching.sketched


async def test_a_covered_photo_is_sketched_covered(boris):
    await boris.person.photo(picture(), spoiler=True)
    assert (await boris.answer()).raw["has_media_spoiler"]
