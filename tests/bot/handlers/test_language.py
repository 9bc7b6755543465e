"""/language, and the language that a user is met with."""

from __future__ import annotations

from tests.support.bot.conversation import check_language


async def test_the_chosen_language_stays(conversation, sandbox):
    person = sandbox.user(language_code="fr", name="Chloé")
    await person.text("/start")
    menu = await person.wait_for()
    check_language(menu, "en")
    await person.press(menu, "Язык · Language")
    question = await person.wait_for(lambda message: "Which language" in message.text)
    await (await person.press(question, "Русский")).answered()
    await conversation.settled()
    check_language(question, "ru")
    await person.text("/help")
    check_language(await person.wait_for(lambda message: "/paint" in message.text), "ru")


async def test_a_forged_language_changes_nothing(anna, conversation):
    menu = await anna.says("/language")
    answer = await anna.press_data(menu, "lang:xx")
    assert anna.words("This button is out of date. /start opens a fresh menu.") == answer
    assert (await conversation.users.get(anna.id)).language is None
