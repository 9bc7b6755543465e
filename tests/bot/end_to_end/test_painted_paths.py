"""Every way to a picture, really painted: by web hook in Russian and by polling in English."""

from __future__ import annotations

import pytest
from PIL import ImageOps

from runtime import installed_styles
from tests.support.bot.albums import order_pair
from tests.support.bot.doubles import mean_colour
from tests.support.bot.guest import PAINTING, Guest, job_of, labels
from tests.support.bot.stage import difference, jpeg, likeness, plain, png
from tests.support.pictures import photo as real_photo

pytestmark = pytest.mark.asyncio(loop_scope="module")

STYLES = list(installed_styles().values())
GIVEN = real_photo(96, 72)
#: How far apart two pictures are of which one is a repainting of the other, at the least.
REPAINTED = 3.0
IN_STYLE = "Your photo in the style “{style}”."
IN_OWN_STYLE = "Your photo in the style of your picture."
QUESTION = "What shall I do with this photo?"
ZEBRA = {"en": "Horse to zebra", "ru": "Лошадь в зебру"}


def check_painted(guest, result, given, *, kind="photo", caption=None):
    """A picture of the kind and size that was given, and not the same."""
    assert result.kind == kind
    image = guest.image(result)
    assert image.size == given.size
    assert difference(image, given) > REPAINTED
    if caption is not None:
        assert result.text == caption
    return image


def check_negative(guest, result, given):
    """The picture that this module's generator makes of a plain one."""
    wanted = mean_colour(ImageOps.invert(given))
    got = mean_colour(guest.image(result))
    assert max(abs(a - b) for a, b in zip(got, wanted)) <= 3
    assert guest.image(result).size == given.size
    assert result.text == ZEBRA[guest.language]


async def test_a_style_of_the_gallery_and_then_photos(guest):
    told = await guest.chooses_style(2)
    style = STYLES[1].title[guest.language]
    words = guest.words("The style is “{style}”. Now send me the photo.", style=style)
    assert told.text == words
    # The style stays for the second one.
    for given in (GIVEN, real_photo(64, 80)):
        sent = await guest.sends(given)
        result = await guest.gets(after=sent)
        check_painted(guest, result, given, caption=guest.words(IN_STYLE, style=style))
        assert result.reply_to == sent.id


async def test_a_picture_of_ones_own_as_the_style(guest):
    gallery = await guest.opens_gallery()
    await guest.press(gallery, "My own picture")
    words = "Send me a picture whose style you like: a painting, a pattern, anything."
    await guest.hears(words, after=gallery)
    style = await guest.sends(real_photo(80, 80, "nagasaki-boats.jpg"))
    await guest.hears("What a style! Now send me the photo to repaint.", after=style)
    result = await guest.gets(after=await guest.sends(GIVEN))
    check_painted(guest, result, GIVEN, caption=guest.words(IN_OWN_STYLE))


async def test_a_photo_first_and_then_a_style_for_it(guest):
    sent = await guest.sends(GIVEN)
    question = await guest.hears(QUESTION, after=sent)
    wanted = [guest.words("Repaint this"), guest.words("Use it as a style"), ZEBRA[guest.language]]
    assert labels(question) == wanted
    await guest.press(question, "Repaint this")
    gallery = await guest.hears("Choose a style:", after=question)
    await guest.press(gallery, "3")
    result = await guest.gets(after=gallery)
    style = STYLES[2].title[guest.language]
    check_painted(guest, result, GIVEN, caption=guest.words(IN_STYLE, style=style))
    assert result.reply_to == sent.id


async def test_a_photo_first_that_becomes_the_style(guest):
    question = await guest.hears(QUESTION, after=await guest.sends(real_photo(80, 64)))
    await guest.press(question, "Use it as a style")
    words = "This picture is your style now. Send me the photo to repaint."
    await guest.hears(words, after=question)
    given = real_photo(64, 96, "nagasaki-boats.jpg")
    result = await guest.gets(after=await guest.sends(given))
    check_painted(guest, result, given, caption=guest.words(IN_OWN_STYLE))


async def test_a_photo_first_and_a_generator_for_it(guest):
    given = plain((200, 40, 90), (96, 72))
    question = await guest.hears(QUESTION, after=await guest.sends(given))
    await guest.press(question, ZEBRA[guest.language])
    result = await guest.gets(after=question)
    check_negative(guest, result, given)
    assert labels(result) == [guest.words("Original file (PNG)")]


async def test_a_generator_of_the_menu_and_then_a_photo(guest):
    menu = await guest.says("/start")
    title = ZEBRA[guest.language]
    await guest.press(menu, title)
    await guest.hears("{title}: now send me the photo.", after=menu, title=title)
    given = plain((30, 90, 160), (72, 96))
    result = await guest.gets(after=await guest.sends(given))
    check_negative(guest, result, given)


async def test_an_album_is_style_and_photo_and_can_be_swapped(guest):
    style, photo = real_photo(64, 80, "nagasaki-boats.jpg"), GIVEN
    first, second = await order_pair(guest.person, [jpeg(style), jpeg(photo)])
    result = await guest.gets(after=second)
    check_painted(guest, result, photo, caption=guest.words(IN_OWN_STYLE))
    assert result.reply_to == second.id
    await guest.press(result, "Swap photo and style")
    swapped = await guest.gets(after=result)
    image = check_painted(guest, swapped, style, caption=guest.words(IN_OWN_STYLE))
    assert swapped.reply_to == first.id
    # It shows what was the style, and not the photo, whose colours it has taken on.
    assert likeness(image, style) > 0.5 > likeness(image, photo)


async def test_a_file_comes_back_as_a_file(guest):
    await guest.chooses_style()
    given = real_photo(100, 66)
    sent = await guest.person.document(png(given), "photo.png", mime_type="image/png")
    result = await guest.gets(after=sent)
    check_painted(guest, result, given, kind="document")
    assert result.file_name == "jetbrush.png"


async def test_the_buttons_under_a_result(guest, scene):
    await guest.chooses_style()
    result = await guest.gets(after=await guest.sends(GIVEN))
    images = {"": guest.image(result)}
    latest = result
    for label in ("Weaker", "Stronger"):
        assert await guest.press(result, label) == ""
        latest = await guest.gets(after=latest)
        images[label] = check_painted(guest, latest, GIVEN, caption=result.text)
    away = [difference(images[label], GIVEN) for label in ("Weaker", "", "Stronger")]
    assert away == sorted(set(away))
    for label in ("Broader", "Another variation"):
        await guest.press(result, label)
        latest = await guest.gets(after=latest)
        image = check_painted(guest, latest, GIVEN, caption=result.text)
        assert difference(image, images[""]) > 1, label
    await guest.press(result, "Another style")
    gallery = await guest.hears("Choose a style:", after=latest)
    await guest.press(gallery, "4")
    other = await guest.gets(after=gallery)
    caption = guest.words(IN_STYLE, style=STYLES[3].title[guest.language])
    assert difference(check_painted(guest, other, GIVEN, caption=caption), images[""]) > REPAINTED
    await guest.press(result, "Original file (PNG)")
    original = await guest.person.wait_for(lambda message: message.kind == "document", after=other)
    assert original.file_name == "jetbrush.png"
    # To the byte, without Telegram's compression.
    path = scene.results / f"{job_of(result)}.png"
    assert scene.sandbox.bytes_of(original.file_id) == path.read_bytes()
    assert guest.image(original).size == GIVEN.size


async def test_a_mix_of_two_styles_and_its_shares(guest):
    await guest.chooses_style()
    result = await guest.gets(after=await guest.sends(GIVEN))
    await guest.press(result, "Mix with another style")
    gallery = await guest.hears(
        "Choose a style to mix with “{style}”:",
        after=result,
        style=STYLES[0].title[guest.language],
    )
    await guest.press(gallery, "4")
    mix = await guest.gets(after=gallery)
    check_painted(guest, mix, GIVEN, caption=mix_caption(guest, 50))
    await guest.press(mix, "70/30")
    other = await guest.gets(after=mix)
    image = check_painted(guest, other, GIVEN, caption=mix_caption(guest, 70))
    assert difference(image, guest.image(mix)) > 1


def mix_caption(guest, share):
    """The caption of a mix of the first and the fourth style."""
    shares = zip((share, 100 - share), (STYLES[0], STYLES[3]))
    styles = [
        guest.words("{percent}% {style}", percent=percent, style=style.title[guest.language])
        for percent, style in shares
    ]
    return guest.words("Your photo in a mix of styles: {styles}.", styles=", ".join(styles))


async def test_the_photos_of_an_album_are_painted_one_by_one(guest):
    await guest.chooses_style()
    given = [GIVEN, real_photo(64, 80, "nagasaki-boats.jpg"), real_photo(80, 64)]
    for sent, photo in zip(await guest.person.album([jpeg(each) for each in given]), given):
        result = await guest.person.wait_for(
            lambda message, sent=sent: (
                message.reply_to == sent.id
                and message.kind == "photo"
                and guest.words("Original file (PNG)") in labels(message)
            ),
            PAINTING,
        )
        check_painted(guest, result, photo)


async def test_in_a_group_paint_repaints_what_it_replies_to(guest, scene):
    clara = Guest(scene.sandbox, guest.language, "Clara")
    group = scene.sandbox.group("Friends", guest.person, clara.person)
    photo = await clara.person.photo(jpeg(GIVEN), chat=group)
    wish = await guest.person.text("/paint", chat=group, reply_to=photo)
    question = await guest.hears(QUESTION, after=wish, chat=group)
    stranger = await clara.press(question, "Repaint this")
    assert stranger == clara.words("This button is not yours.")
    await guest.press(question, "Repaint this")
    gallery = await guest.hears("Choose a style:", after=question, chat=group)
    await guest.press(gallery, "1")
    result = await guest.gets(after=gallery, chat=group)
    style = STYLES[0].title[guest.language]
    check_painted(guest, result, GIVEN, caption=guest.words(IN_STYLE, style=style))
    assert result.reply_to == wish.id
    guest.check(group)
