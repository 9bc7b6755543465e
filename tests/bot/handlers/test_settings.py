"""/settings."""

from __future__ import annotations

from runtime import StylizeOptions
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import set_mode


async def test_each_setting_is_changed_and_shown(anna, conversation):
    menu = await anna.says("/start")
    await anna.press(menu, "Settings")
    page = anna.heard()[-1]
    assert await anna.press(page, "5") == anna.words("Noted for the next photos.")
    await anna.press(page, "640 px")
    for label in ("Broad brush", "Paint over faces", "Keep the photo's colours"):
        await anna.press(page, label)
    person = await conversation.users.get(anna.id)
    assert person.options == StylizeOptions(
        strength=1.0, fine=640, brush="broad", faces="paint", keep_colours=True
    )
    labels = [button.text for row in page.buttons for button in row]
    ticked = [
        "5",
        "640 px",
        *map(anna.words, ("Broad brush", "Paint over faces", "Keep the photo's colours")),
    ]
    assert [label for label in labels if label.startswith("✓")] == [f"✓ {each}" for each in ticked]
    assert "640 px" in page.text and anna.words("as in the photo") in page.text
    assert "<b>" not in page.text
    await set_mode(anna)
    await anna.person.photo(picture())
    await conversation.settled()
    assert (await conversation.the_job(anna)).order.options == person.options


async def test_the_ticked_one_pressed_again(anna):
    page = await anna.says("/settings")
    await anna.press(page, "✓ 3")
    await anna.press(page, "✓ 3")
    assert len(anna.heard()) == 1


async def test_in_a_group_the_settings_are_whose_they_are(sandbox, conversation, anna, boris):
    group = sandbox.group("Friends", anna.person, boris.person)
    await boris.person.text("/settings", chat=group)
    page = await group.wait_for()
    answer = await (await anna.person.press(page, "1")).answered()
    assert answer["text"] == anna.words("This button is not yours.")
    await (await boris.person.press(page, "1")).answered()
    await conversation.settled()
    assert (await conversation.users.get(boris.id)).options.strength == 0.0
    assert (await conversation.users.get(anna.id)).options.strength == 0.5
