"""/status and /cancel."""

from __future__ import annotations

from bot.chat.keyboards.data import Action, OfJob
from bot.outcomes import CANCELLED, PAINTED
from tests.support.bot.sent_pictures import picture
from tests.support.bot.steps import QUESTION, STYLES, queue, set_mode


async def test_nothing_in_the_queue(anna):
    assert (await anna.says("/status")).text == anna.words(
        "You have nothing in the queue. Send me a photo!"
    )
    assert (await anna.says("/cancel")).text == anna.words("There is nothing to cancel.")


async def test_status_tells_of_each_job(anna, conversation):
    jobs = await queue(anna, 3)
    await conversation.jobs.finish(jobs[2].id, PAINTED)
    text = (await anna.says("/status")).text
    assert text.count(STYLES[0].title[anna.language]) == 3
    assert anna.words("Your place in the queue: {place}.", place=1) in text
    assert anna.words("Done and on its way to you.") in text
    assert anna.words("About {time} left.", time=anna.words("{seconds} s", seconds=40)) in text


async def test_status_is_silent_about_what_was_cancelled(anna):
    await queue(anna, 2)
    await anna.says("/cancel")
    words = anna.words("You have nothing in the queue. Send me a photo!")
    assert (await anna.says("/status")).text == words


async def test_cancel_of_all(anna, conversation):
    jobs = await queue(anna, 2)
    text = (await anna.says("/cancel")).text
    assert text == {"en": "Cancelled 2 pictures.", "ru": "Отменены 2 рисунка."}[anna.language]
    outcomes = [(await conversation.jobs.get(job.id)).ending for job in jobs]
    assert outcomes == [CANCELLED, CANCELLED]


async def test_cancel_leaves_the_mode(anna):
    await set_mode(anna)
    words = anna.words("All right. The next photo starts from scratch.")
    assert (await anna.says("/cancel")).text == words
    await anna.person.photo(picture())
    await anna.hears(QUESTION)


async def test_cancel_by_button(anna, conversation):
    job, other = await queue(anna, 2)
    message = await anna.says("/status")
    data = OfJob(action=Action.CANCEL, job=job.id).pack()
    assert await anna.press_data(message, data) == anna.words("Cancelled.")
    assert (await conversation.jobs.get(other.id)).ending is None
    late = await anna.press_data(message, data)
    assert late == anna.words("Too late: it's already done.")
