"""The buttons under a result and under a status message."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from bot.chat.keyboards.data import Action, Balance, OfJob, OpenGallery
from bot.chat.keyboards.of_jobs import result_keyboard, status_keyboard
from bot.outcomes import PAINTED
from bot.storage.jobs import JobState
from bot.storage.styles import StyleChoice, mixed
from tests.support.bot.albums import order_pair
from tests.support.bot.conversation import PER_USER
from tests.support.bot.orders import style_of
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import STALE, STYLES, set_mode


@pytest.fixture()
async def painted(anna, conversation):
    """A job that is done and answered."""
    await set_mode(anna)
    await anna.person.photo(picture())
    await conversation.settled()
    return await finish(conversation, await conversation.the_job(anna))


async def finish(conversation, job):
    await conversation.jobs.finish(job.id, PAINTED)
    await conversation.jobs.answered(job.id)
    return await conversation.jobs.get(job.id)


async def press(speaker, action, job):
    message = speaker.heard()[-1]
    return await speaker.press_data(message, OfJob(action=action, job=job.id).pack())


async def test_how_it_was_painted(anna, conversation, painted, sandbox):
    pytest.importorskip("av")
    gone = await press(anna, Action.FILM, painted)
    assert gone == anna.words(
        "I no longer have the stages of this picture. Have it painted again, and I'll keep them."
    )
    Image.new("RGB", (64, 48), "red").save(conversation.results.sketch(painted.id))
    Image.new("RGB", (64, 48), "blue").save(conversation.results.path(painted.id))
    assert await press(anna, Action.FILM, painted) == anna.words("One moment…")
    film = anna.heard()[-1]
    assert film.kind == "animation" and sandbox.bytes_of(film.file_id)[4:8] == b"ftyp"


@pytest.mark.parametrize(("action", "strength"), [("stronger", 0.75), ("weaker", 0.25)])
async def test_another_strength(anna, conversation, painted, action, strength):
    assert await press(anna, action, painted) == ""
    order = (await conversation.the_job(anna)).order
    assert order.options.strength == strength
    assert (order.picture, style_of(order)) == (painted.order.picture, style_of(painted.order))
    again = await press(anna, action, painted)
    assert again == anna.words("This photo is already in the queue.")
    # The user's own setting is another matter.
    assert (await conversation.users.get(anna.id)).options.strength == 0.5


@pytest.mark.parametrize(("action", "brush"), [("finer", "fine"), ("broader", "broad")])
async def test_another_brush(anna, conversation, painted, action, brush):
    assert await press(anna, action, painted) == ""
    job = await conversation.the_job(anna)
    assert job.order.options == replace(painted.order.options, brush=brush)
    # There is no brush beyond it.
    assert await press(anna, action, await finish(conversation, job)) == anna.words(STALE)


async def test_each_variation_has_a_seed_of_its_own(anna, conversation, painted):
    jobs = [painted]
    # The same button again, and then that under the second result.
    for job in (painted, painted, 1):
        assert await press(anna, "vary", jobs[job] if isinstance(job, int) else job) == ""
        jobs.append(await finish(conversation, await conversation.the_job(anna)))
    assert [job.order.options.seed for job in jobs] == [0, 1, 2, 3]
    for job in jobs[1:]:
        same = replace(job.order.options, seed=0)
        assert (same, job.order.picture) == (painted.order.options, painted.order.picture)


async def test_a_mix_with_another_style_of_the_gallery(anna, conversation, painted):
    await mix(anna, conversation, painted)
    assert anna.words(
        "Choose a style to mix with “{style}”:", style=STYLES[0].title[anna.language]
    ) in (anna.heard()[-1].text)
    assert await anna.press(anna.heard()[-1], "4") == ""
    order = (await conversation.the_job(anna)).order
    first, second = StyleChoice(name=STYLES[0].name), StyleChoice(name=STYLES[3].name)
    assert order.styles == mixed(first, second)
    assert (order.picture, order.options) == (painted.order.picture, painted.order.options)
    # The mix was for this photo alone.
    assert (await conversation.users.get(anna.id)).styles == painted.order.styles


async def mix(speaker, conversation, job):
    """Press the button under a result that opens the gallery for a mix."""
    with conversation.i18n.context(), conversation.i18n.use_locale(speaker.language):
        keyboard = result_keyboard(job)
    label = speaker.words("Mix with another style")
    buttons = [button for row in keyboard.inline_keyboard for button in row]
    (data,) = [button.callback_data for button in buttons if button.text == label]
    await speaker.press_data(speaker.heard()[-1], data)


async def test_a_mix_with_a_picture_of_ones_own(anna, conversation, painted):
    await mix(anna, conversation, painted)
    await anna.press(anna.heard()[-1], "My own picture")
    sent = await anna.person.photo(picture())
    await conversation.settled()
    job = await conversation.the_job(anna)
    first, second = job.order.styles
    assert first.choice == StyleChoice(name=STYLES[0].name)
    assert (await conversation.pictures.get(second.choice.picture)).file_id == sent.file_id
    assert job.order.picture == painted.order.picture
    # The next picture is a photo again, in the style of before.
    await finish(conversation, job)
    await anna.person.photo(picture())
    await conversation.settled()
    assert (await conversation.the_job(anna)).order.styles == painted.order.styles


async def test_a_mix_with_a_picture_for_a_job_that_is_gone(anna, conversation, painted):
    await mix(anna, conversation, painted)
    await anna.press(anna.heard()[-1], "My own picture")
    await conversation.database.change("DELETE FROM jobs")
    await anna.person.photo(picture())
    await anna.hears("I no longer have this photo. Please send it again.")
    assert not await conversation.jobs.active()


async def test_the_shares_of_a_mix(anna, conversation, painted):
    first, second = StyleChoice(name=STYLES[0].name), StyleChoice(name=STYLES[1].name)
    job, _new = await conversation.jobs.submit(
        replace(painted.order, idempotency_key="a mix", styles=mixed(first, second))
    )
    await finish(conversation, job)
    for share, expected in ((70, (0.7, 0.3)), (30, (0.3, 0.7))):
        data = Balance(share=share, job=job.id).pack()
        assert await anna.press_data(anna.heard()[-1], data) == ""
        balanced = await conversation.the_job(anna)
        assert tuple(style.weight for style in balanced.order.styles) == expected
        assert balanced.order.styles == mixed(first, second, share / 100)
        await finish(conversation, balanced)
    data = Balance(share=70, job=painted.id).pack()
    assert await anna.press_data(anna.heard()[-1], data) == anna.words(STALE)


async def test_another_style(anna, conversation, painted):
    await press(anna, "restyle", painted)
    await anna.press(anna.heard()[-1], "4")
    order = (await conversation.the_job(anna)).order
    assert style_of(order) == StyleChoice(name=STYLES[3].name)
    assert order.picture == painted.order.picture


async def test_the_original_file(anna, conversation, sandbox, painted):
    path = conversation.results.path(painted.id)
    path.parent.mkdir()
    path.write_bytes(picture(file_format="PNG"))
    await press(anna, "original", painted)
    sent = await anna.person.wait_for(lambda message: message.kind == "document")
    assert sandbox.bytes_of(sent.file_id) == path.read_bytes()
    assert sent.file_name == "jetbrush.png"


async def test_an_original_that_was_tidied_away(anna, painted):
    words = anna.words("I no longer have this file. Send me the photo again, and I'll repaint it.")
    assert await press(anna, "original", painted) == words


async def test_swap_of_an_album(anna, conversation):
    style, photo = await order_pair(anna.person, [picture(), picture()])
    job = await conversation.the_job(anna)
    await anna.says("/status")
    assert await press(anna, "swap", job) == ""
    swapped = [each for each in await conversation.jobs.active(anna.id) if each.state == "queued"]
    order = swapped[0].order
    assert len(swapped) == 1 and order.of_album
    assert (await conversation.pictures.get(order.picture)).file_id == style.file_id
    assert (await conversation.pictures.get(style_of(order).picture)).file_id == photo.file_id
    assert order.reply_to == style.id


async def test_a_refused_swap_leaves_the_job(anna, conversation):
    await order_pair(anna.person, [picture(), picture()])
    job = await conversation.the_job(anna)
    while len(await conversation.jobs.active(anna.id)) < PER_USER:
        number = len(await conversation.jobs.active(anna.id))
        await conversation.jobs.submit(replace(job.order, idempotency_key=f"another:{number}"))
    await anna.says("/status")
    assert str(PER_USER) in await press(anna, "swap", job)
    jobs = await conversation.jobs.active(anna.id)
    assert len(jobs) == PER_USER and all(each.state == JobState.QUEUED for each in jobs)


async def test_no_swap_where_there_was_no_album(anna, conversation, painted):
    assert await press(anna, "swap", painted) == anna.words(STALE)
    assert not await conversation.jobs.active()


async def test_anothers_job(boris, conversation, painted):
    await boris.says("/start")
    for action in Action:
        assert await press(boris, action, painted) == STALE, action
    for data in (OpenGallery(mix=True, job=painted.id), Balance(share=30, job=painted.id)):
        assert await boris.press_data(boris.heard()[-1], data.pack()) == STALE, data
    assert not await conversation.jobs.active()


async def test_the_keyboards_of_jobs(conversation, painted, generators):
    def labels(keyboard):
        return [button.text for row in keyboard.inline_keyboard for button in row]

    with conversation.i18n.context():
        assert labels(status_keyboard(painted)) == ["Cancel"]
        assert labels(result_keyboard(painted)) == [
            "Another style", "Mix with another style", "Weaker", "Stronger", "Finer", "Broader",
            "Another variation", "How it was painted", "Original file (PNG)",
        ]  # fmt: skip
