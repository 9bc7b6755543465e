"""/examples."""

from __future__ import annotations

import json

from tests.support.bot.sent_pictures import picture


def lay_out(folder, count):
    entries = [
        {"name": str(n), "title": {"en": f"No. {n}", "ru": f"Пример {n}"}, "file": f"{n}.jpg"}
        for n in range(count + 1)
    ]
    (folder / "index.json").write_text(json.dumps(entries), encoding="utf-8")
    # The last one is promised and not there.
    for entry in entries[:-1]:
        (folder / entry["file"]).write_bytes(picture())


async def test_those_that_are_there_are_shown(anna, examples):
    lay_out(examples, 11)
    menu = await anna.says("/start")
    await anna.press(menu, "Examples")
    shown = [message.text for message in anna.heard() if message.kind == "photo"]
    titles = {"en": "No. {}", "ru": "Пример {}"}
    assert shown == [titles[anna.language].format(n) for n in range(11)]


async def test_none(anna):
    text = anna.words("There are no examples here yet. Send me a photo, and we'll make one!")
    assert (await anna.says("/examples")).text == text
