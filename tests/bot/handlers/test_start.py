"""/start, /help and the menu of commands."""

from __future__ import annotations

import pytest

from bot.chat.commands import described_commands, set_commands
from tests.support.bot.sent_pictures import picture


def labels(message):
    return [button.text for row in message.buttons for button in row]


async def test_the_menu_offers_what_is_there(anna, generators, examples):
    generators("horse2zebra", "vintage")
    menu = await anna.says("/start")
    titles = {
        "en": ["Horse to zebra", "Vintage photo"],
        "ru": ["Лошадь в зебру", "Старинный снимок"],
    }
    assert labels(menu) == [
        anna.words("Style transfer"),
        *titles[anna.language],
        anna.words("Settings"),
        "Язык · Language",
    ]


async def test_examples_are_offered_once_there_are_any(anna, examples):
    (examples / "one.jpg").touch()
    (examples / "index.json").write_text(
        '[{"name": "one", "title": {"en": "One", "ru": "Раз"}, "file": "one.jpg"}]'
    )
    assert anna.words("Examples") in labels(await anna.says("/start"))


async def test_help_names_every_command(anna, generators):
    generators("zebra2horse")
    text = (await anna.says("/help")).text
    with anna.conversation.i18n.context():
        for command in described_commands():
            assert f"/{command}" in text
    assert {"en": "Zebra to horse", "ru": "Зебру в лошадь"}[anna.language] in text
    assert "<b>" not in text


@pytest.mark.parametrize("case", ["/START", "/start@jetbrush_sandbox_bot", "/start abc"])
async def test_start_in_other_forms(boris, case):
    assert "Hello" in (await boris.says(case)).text


async def test_start_forgets_the_mode(anna, generators):
    generators("horse2zebra")
    menu = await anna.says("/start")
    await anna.press_data(menu, menu.buttons[1][0].data)
    await anna.says("/start")
    await anna.person.photo(picture())
    await anna.hears("What shall I do with this photo?")


async def test_the_command_menu_is_given_in_both_languages(sandbox, conversation):
    await set_commands(conversation.bot, conversation.i18n)
    given = {
        call.params.get("language_code"): call.params["commands"]
        for call in sandbox.calls
        if call.method == "setMyCommands"
    }
    assert set(given) == {None, "ru", "uk", "be", "kk"}
