"""Choosing a style from the gallery, or bringing one's own."""

from __future__ import annotations

import shutil

import pytest

from bot.chat import catalog as offers
from bot.storage.styles import StyleChoice, alone, mixed
from runtime import installed_styles
from tests.support.bot.orders import style_of
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import QUESTION, STYLES, choose_first_style


async def open_gallery(anna):
    menu = await anna.says("/start")
    await anna.press(menu, "Style transfer")
    return anna.heard()[-1]


async def test_style_then_photo(anna, conversation):
    woken = []
    conversation.board.listen(lambda: woken.append(1))
    gallery = await open_gallery(anna)
    album = [message for message in anna.heard() if message.kind == "photo"]
    titles = [style.title[anna.language] for style in STYLES]
    assert len(album) == len(STYLES) and len({message.album for message in album}) == 1
    for number, (shown, title) in enumerate(zip(album, titles), 1):
        assert f"{number}. {title}" in shown.text
        assert f"{number}. {title}" in gallery.text
    await anna.press(gallery, "2")
    await anna.hears("The style is “{style}”. Now send me the photo.", style=titles[1])
    await anna.person.photo(picture())
    await conversation.settled()
    job = await conversation.the_job(anna)
    assert style_of(job.order) == StyleChoice(name=STYLES[1].name)
    assert job.order.kind == "stylize" and job.order.language == anna.language
    assert len(woken) == 1


async def test_the_style_stays_for_the_next_photos(anna, conversation):
    await anna.press(await open_gallery(anna), "1")
    for _ in range(2):
        await anna.person.photo(picture())
    await conversation.settled()
    jobs = await conversation.jobs.active(anna.id)
    assert [style_of(job.order) for job in jobs] == [StyleChoice(name=STYLES[0].name)] * 2


async def test_pictures_are_uploaded_once(boris, sandbox):
    for _ in range(2):
        await open_gallery(boris)
    first, second = [call for call in sandbox.calls if call.method == "sendMediaGroup"]
    assert first.uploads and not second.uploads
    shown = [message for message in boris.heard() if message.kind == "photo"]
    assert shown[0].file_id == shown[len(STYLES)].file_id


async def test_a_file_id_that_telegram_forgot_is_uploaded_anew(boris, conversation):
    await open_gallery(boris)
    await conversation.database.run(
        lambda connection: connection.execute("UPDATE uploads SET file_id = 'gone'")
    )
    await open_gallery(boris)
    shown = [message for message in boris.heard() if message.kind == "photo"]
    assert len(shown) == 2 * len(STYLES)


@pytest.fixture()
def many_styles(tmp_path, monkeypatch):
    folder = tmp_path / "styles"
    folder.mkdir()
    (folder / "index.json").write_text("[]")
    for number in range(11):
        # As long as a file's name may be, and not in Latin letters.
        shutil.copy(str(STYLES[0].path), str(folder / f"{number:02}-{'ж' * 110}.jpg"))
    (folder / "broken.png").write_bytes(b"not a picture")
    monkeypatch.setattr(offers, "installed_styles", lambda: installed_styles(folder))


@pytest.mark.usefixtures("many_styles")
async def test_many_styles_come_in_pages(boris, conversation):
    gallery = await open_gallery(boris)
    await boris.press(gallery, "More styles")
    rest = boris.heard()[-1]
    await boris.press(rest, "11")
    person = await conversation.users.get(boris.id)
    assert person.styles[0].choice.name.startswith("10-")


async def test_own_picture_as_the_style(anna, conversation):
    await anna.press(await open_gallery(anna), "My own picture")
    await anna.hears("Send me a picture whose style you like: a painting, a pattern, anything.")
    style = await anna.person.photo(picture())
    await anna.hears("What a style! Now send me the photo to repaint.")
    photo = await anna.person.photo(picture())
    await conversation.settled()
    order = (await conversation.the_job(anna)).order
    assert (await conversation.pictures.get(style_of(order).picture)).file_id == style.file_id
    assert (await conversation.pictures.get(order.picture)).file_id == photo.file_id


async def test_own_style_for_a_photo_that_is_there(anna, conversation):
    photo = await anna.person.photo(picture())
    question = await anna.hears("What shall I do with this photo?")
    await anna.press(question, "Repaint this")
    await anna.press(anna.heard()[-1], "My own picture")
    style = await anna.person.document(picture(), "style.png")
    await conversation.settled()
    order = (await conversation.the_job(anna)).order
    assert (await conversation.pictures.get(style_of(order).picture)).file_id == style.file_id
    assert order.reply_to == photo.id


async def test_a_mix_of_two_styles_for_the_next_photos(anna, conversation):
    await anna.press(await open_gallery(anna), "1")
    await anna.press(anna.heard()[-1], "Mix with another style")
    await anna.press(anna.heard()[-1], "2")
    titles = [style.title[anna.language] for style in STYLES[:2]]
    shares = [anna.words("{percent}% {style}", percent=50, style=title) for title in titles]
    told = "The style is a mix: {styles}. Now send me the photo."
    await anna.hears(told, styles=", ".join(shares))
    for _ in range(2):
        await anna.person.photo(picture())
    await conversation.settled()
    mix = mixed(*(StyleChoice(name=style.name) for style in STYLES[:2]))
    jobs = await conversation.jobs.active(anna.id)
    assert [job.order.styles for job in jobs] == [mix, mix]


async def test_a_mix_with_the_remembered_style_for_a_photo(anna, conversation):
    await choose_first_style(anna)
    photo = await anna.person.photo(picture())
    await anna.press(await anna.hears(QUESTION), "Repaint in another style")
    title = STYLES[0].title[anna.language]
    await anna.press(anna.heard()[-1], "Mix with: {style}", style=title)
    await anna.press(anna.heard()[-1], "My own picture")
    style = await anna.person.photo(picture())
    await conversation.settled()
    order = (await conversation.the_job(anna)).order
    first, second = order.styles
    assert order.reply_to == photo.id and first.weight == second.weight
    assert first.choice == StyleChoice(name=STYLES[0].name)
    assert (await conversation.pictures.get(second.choice.picture)).file_id == style.file_id


async def test_a_style_mixed_with_itself_stays_alone(anna, conversation):
    await anna.press(await open_gallery(anna), "1")
    await anna.press(anna.heard()[-1], "Mix with another style")
    await anna.press(anna.heard()[-1], "1")
    user = await conversation.users.get(anna.id)
    assert user.styles == alone(StyleChoice(name=STYLES[0].name))


async def test_a_mix_of_which_a_style_is_gone_is_asked_for_again(anna, conversation):
    first, gone = StyleChoice(name=STYLES[0].name), StyleChoice(name="taken-away")
    await conversation.users.choose_styles(anna.id, mixed(first, gone))
    await anna.person.photo(picture())
    question = await anna.hears(QUESTION)
    assert anna.words("Repaint this") in [b.text for row in question.buttons for b in row]


async def test_a_style_that_is_gone_is_asked_for_again(anna, conversation):
    await anna.press(await open_gallery(anna), "1")
    await conversation.users.choose_styles(anna.id, alone(StyleChoice(name="taken-away")))
    await anna.person.photo(picture())
    question = await anna.hears("What shall I do with this photo?")
    assert anna.words("Repaint this") in [b.text for row in question.buttons for b in row]
