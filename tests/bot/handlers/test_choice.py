"""The buttons under a photo that came unasked, the generators' among them."""

from __future__ import annotations

from bot.chat.catalog import key_of
from bot.storage.styles import StyleChoice
from runtime import StylizeOptions, TranslateOptions
from tests.support.bot.orders import style_of
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import QUESTION, STALE, STYLES, choose_first_style

TITLES = {"en": "Horse to zebra", "ru": "Лошадь в зебру"}


async def ask(anna):
    photo = await anna.person.photo(picture())
    return photo, await anna.hears(QUESTION)


async def test_repaint_through_the_gallery(anna, conversation):
    photo, question = await ask(anna)
    await anna.press(question, "Repaint this")
    await anna.press(anna.heard()[-1], "3")
    order = (await conversation.the_job(anna)).order
    assert style_of(order) == StyleChoice(name=STYLES[2].name) and order.reply_to == photo.id


async def test_use_as_a_style(anna, conversation):
    style, question = await ask(anna)
    await anna.press(question, "Use it as a style")
    await anna.hears("This picture is your style now. Send me the photo to repaint.")
    await anna.person.photo(picture())
    await conversation.settled()
    order = (await conversation.the_job(anna)).order
    assert (await conversation.pictures.get(style_of(order).picture)).file_id == style.file_id


async def test_a_generator_for_this_photo(anna, conversation, generators):
    generators("horse2zebra")
    _, question = await ask(anna)
    await anna.press(question, TITLES[anna.language])
    order = (await conversation.the_job(anna)).order
    assert (order.kind, order.model, order.styles) == ("translate", "horse2zebra", ())
    # It was for this photo alone.
    await ask(anna)


async def test_a_generator_works_at_its_own_size_whatever_the_setting(
    boris, conversation, generators
):
    generators("horse2zebra")
    await conversation.users.choose_option(boris.id, "fine", 640)
    await boris.person.photo(picture())
    await boris.press(await boris.hears(QUESTION), "Horse to zebra")
    assert (await conversation.the_job(boris)).order.options == TranslateOptions(size=512)


async def test_a_generator_from_the_menu_stays(anna, conversation, generators):
    generators("horse2zebra", "zebra2horse")
    menu = await anna.says("/start")
    await anna.press(menu, TITLES[anna.language])
    await anna.hears("{title}: now send me the photo.", title=TITLES[anna.language])
    for _ in range(2):
        await anna.person.photo(picture())
    await conversation.settled()
    jobs = await conversation.jobs.active(anna.id)
    assert [job.order.model for job in jobs] == ["horse2zebra"] * 2


async def test_pressed_twice_is_one_job(anna, conversation, generators):
    generators("horse2zebra")
    _, question = await ask(anna)
    assert await anna.press(question, TITLES[anna.language]) == ""
    again = await (await anna.person.press(question, TITLES[anna.language])).answered()
    assert again["text"] == anna.words("This photo is already in the queue.")
    assert again["show_alert"]
    assert len(await conversation.jobs.active()) == 1


async def test_a_generator_that_was_taken_away(boris, conversation, generators, tmp_path):
    generators("horse2zebra")
    _, question = await ask(boris)
    for graph in (tmp_path / "engines").iterdir():
        graph.unlink()
    assert await boris.press(question, "Horse to zebra") == STALE
    assert not await conversation.jobs.active()


async def test_anothers_picture(boris, anna, conversation, generators):
    generators("horse2zebra")
    await choose_first_style(anna)
    await boris.person.photo(picture())
    await boris.hears(QUESTION)
    menu = await anna.says("/start")
    assert (await conversation.pictures.get(1)).user_id == boris.id
    zebra = f"model:{key_of('horse2zebra')}"
    for data in (
        "repaint:1",
        "repaint::1",
        "asstyle:1",
        f"{zebra}:1",
        f"{zebra}::1",
        "own:1",
        "pair:1",
    ):
        assert await anna.press_data(menu, data) == anna.words(STALE), data
    assert not await conversation.jobs.active()


FORGED = (
    "repaint:999", "repaint:" + "9" * 50, "asstyle:-1", "job:cancel:abc", "job:dance:1", "x" * 64,
    "set:size:99", "set:strength:-1", "set:shoe:1", "open:nowhere", "forget:perhaps", "model::",
    "style:0123456789:", "style:x:41", "gallery:999:", "gallery:0:41", "own:41", "job:swap:7",
    "repaint:", "pair:41", "gallery:0:::1:41", "style:x:::1:41", "balance:50:41", "balance:0:1",
    "gallery:0::::::", "job:vary:7", "job:finer:7",
)  # fmt: skip


async def test_forged_data(anna, conversation):
    menu = await anna.says("/start")
    for data in FORGED:
        assert await anna.press_data(menu, data) == anna.words(STALE), data
    assert not await conversation.jobs.active()
    person = await conversation.users.get(anna.id)
    assert person.styles == () and person.options == StylizeOptions()


async def test_a_button_under_a_message_that_is_gone(boris, conversation, generators):
    generators("horse2zebra")
    menu = await boris.says("/start")
    await boris.person.delete(menu)
    await boris.press_data(menu, "open:settings")
    assert "Settings" in boris.heard()[-1].text
