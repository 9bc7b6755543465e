"""The buttons under a result and under a status message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.chat.keyboards import OfJob, result_keyboard, status_keyboard
from bot.outcomes import PAINTED
from bot.storage.jobs import JobState
from bot.storage.users import StyleChoice
from tests.support.bot.conversation import PER_USER
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import STALE, STYLES, job_of, set_mode


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


@pytest.mark.parametrize(("action", "strength"), [("stronger", 0.75), ("weaker", 0.25)])
async def test_another_strength(anna, conversation, painted, action, strength):
    assert await press(anna, action, painted) == ""
    order = (await conversation.the_job(anna)).order
    assert order.options.strength == strength
    assert (order.picture, order.style) == (painted.order.picture, painted.order.style)
    again = await press(anna, action, painted)
    assert again == anna.words("This photo is already in the queue.")
    # The user's own setting is another matter.
    assert (await conversation.users.get(anna.id)).options.strength == 0.5


async def test_another_style(anna, conversation, painted):
    await press(anna, "restyle", painted)
    await anna.press(anna.heard()[-1], "4")
    order = (await conversation.the_job(anna)).order
    assert order.style == StyleChoice(name=STYLES[3].name)
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
    style, photo = await anna.person.album([picture(), picture()])
    job = await job_of(conversation, anna)
    await anna.says("/status")
    assert await press(anna, "swap", job) == ""
    swapped = [each for each in await conversation.jobs.active(anna.id) if each.state == "queued"]
    order = swapped[0].order
    assert len(swapped) == 1 and order.of_album
    assert (await conversation.pictures.get(order.picture)).file_id == style.file_id
    assert (await conversation.pictures.get(order.style.picture)).file_id == photo.file_id
    assert order.reply_to == style.id


async def test_a_refused_swap_leaves_the_job(anna, conversation):
    await anna.person.album([picture(), picture()])
    job = await job_of(conversation, anna)
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
    for action in ("stronger", "weaker", "restyle", "original", "swap", "cancel"):
        assert await press(boris, action, painted) == STALE, action
    assert not await conversation.jobs.active()


async def test_the_keyboards_of_jobs(conversation, painted, generators):
    def labels(keyboard):
        return [button.text for row in keyboard.inline_keyboard for button in row]

    with conversation.i18n.context():
        assert labels(status_keyboard(painted)) == ["Cancel"]
        assert labels(result_keyboard(painted)) == [
            "Another style", "Weaker", "Stronger", "Original file (PNG)",
        ]  # fmt: skip
