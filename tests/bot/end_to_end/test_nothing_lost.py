"""The bot is killed at every moment of a job's life; each photo is answered, and none twice."""

from __future__ import annotations

import os
import signal

import pytest
from PIL import ImageOps

from tests.support.bot.crowd import is_result
from tests.support.bot.doubles import mean_colour
from tests.support.bot.stage import jpeg, picture_of, plain

COLOUR = (200, 40, 90)
PHOTO = plain(COLOUR)


@pytest.fixture()
async def anna(sandbox, bot):
    return await with_style(sandbox.user(name="Anna"))


async def with_style(user):
    """A user whose next photos are repainted."""
    await user.text("/styles")
    gallery = await user.wait_for(lambda message: message.buttons)
    await user.press(gallery, "1")
    await user.wait_for(lambda message: "Now send" in message.text, after=gallery)
    return user


def results(user):
    return [
        each
        for each in user.messages
        if each.from_bot and "Your photo" in each.text and each.kind != "text"
    ]


def leftovers(user):
    """Answers to the user's pictures that are no results, such as how far a job is."""
    pictures = {each.id for each in user.messages if not each.from_bot and each.kind != "text"}
    answers = [each for each in user.messages if each.from_bot and each.reply_to in pictures]
    return [each for each in answers if not is_result(each)]


def answers(photo):
    return lambda message: is_result(message) and message.reply_to == photo.id


def is_call(method, user):
    return lambda call: call.method == method and call.chat_id == user.chat.id


async def before_the_commit(bot, sandbox, anna):
    bot.freeze()
    await anna.photo(jpeg(PHOTO))


async def while_it_is_told_of_the_queue(bot, sandbox, anna):
    held = sandbox.faults.hold("sendMessage")
    await anna.photo(jpeg(PHOTO))
    await held.reached()


async def after_it_was_told_of_the_queue_and_before_it_knows(bot, sandbox, anna):
    held = sandbox.faults.hold("sendMessage", after=True)
    await anna.photo(jpeg(PHOTO))
    await held.reached()


async def while_queued_behind_another(bot, sandbox, anna):
    bot.close_gate()
    boris = await with_style(sandbox.user(name="Boris"))
    await boris.photo(jpeg(plain("blue")))
    await boris.wait_for(lambda message: "Painting" in message.text)
    await anna.photo(jpeg(PHOTO))
    await anna.wait_for(lambda message: "queue" in message.text)


async def while_the_photo_is_fetched(bot, sandbox, anna):
    held = sandbox.faults.hold("getFile")
    await anna.photo(jpeg(PHOTO))
    await held.reached()


async def while_painting(bot, sandbox, anna):
    bot.close_gate()
    await anna.photo(jpeg(PHOTO))
    await anna.wait_for(lambda message: "50%" in message.text)


async def while_the_preview_is_sent(bot, sandbox, anna):
    bot.close_gate()
    held = sandbox.faults.hold("editMessageMedia", after=True)
    await anna.photo(jpeg(PHOTO))
    await held.reached()


async def before_the_result_arrives(bot, sandbox, anna):
    held = sandbox.faults.hold("editMessageMedia")
    await anna.photo(jpeg(PHOTO))
    await held.reached()


async def after_the_result_arrived_and_before_it_is_known(bot, sandbox, anna):
    held = sandbox.faults.hold("editMessageMedia", after=True)
    await anna.photo(jpeg(PHOTO))
    await held.reached()


async def while_an_album_may_go_on(bot, sandbox, anna):
    await anna.album([jpeg(plain("white")), jpeg(PHOTO)])
    await sandbox.wait_until_taken()


async def while_a_button_is_answered(bot, sandbox, anna):
    await anna.photo(jpeg(plain("black")))
    first = await anna.wait_for(is_result)
    await anna.delete(first)
    held = sandbox.faults.hold("answerCallbackQuery", after=True)
    await anna.press_data(first, first.button("Stronger").data)
    await held.reached()


MOMENTS = [
    before_the_commit,
    while_it_is_told_of_the_queue,
    after_it_was_told_of_the_queue_and_before_it_knows,
    while_queued_behind_another,
    while_the_photo_is_fetched,
    while_painting,
    while_the_preview_is_sent,
    before_the_result_arrives,
    after_the_result_arrived_and_before_it_is_known,
    while_an_album_may_go_on,
    while_a_button_is_answered,
]


async def test_a_bot_killed_at_any_moment_answers_every_photo_once(bot, sandbox):
    # One after the other in one test, since a bot takes seconds to start.
    for moment in MOMENTS:
        anna = await with_style(sandbox.user(name=moment.__name__))
        await moment(bot, sandbox, anna)
        await bot.kill()
        sandbox.faults.clear()
        if bot.gate_is_closed:
            bot.open_gate()
        await bot.start()
        await anna.wait_for(is_result, timeout=20.0)
    for user in sandbox.users:
        photos = [each for each in user.messages if not each.from_bot and each.kind == "photo"]
        for photo in photos:
            await user.wait_for(answers(photo), timeout=20.0)
        assert len(results(user)) == len(photos), user.raw["first_name"]
        assert not leftovers(user), user.raw["first_name"]
    assert "Traceback" not in bot.log


async def test_the_result_is_of_this_photo(bot, sandbox, anna):
    await anna.photo(jpeg(PHOTO))
    result = await anna.wait_for(is_result)
    inverted = mean_colour(ImageOps.invert(PHOTO))
    got = mean_colour(picture_of(sandbox, result))
    assert max(abs(a - b) for a, b in zip(got, inverted)) <= 3


async def test_a_killed_painter_costs_an_attempt_and_not_the_job(bot, sandbox, anna):
    bot.close_gate()
    await anna.photo(jpeg(PHOTO))
    await anna.wait_for(lambda message: "50%" in message.text)
    os.kill(bot.painter_pid, signal.SIGKILL)
    bot.open_gate()
    await anna.wait_for(is_result)
    assert len(results(anna)) == 1


async def test_a_painter_that_always_dies_is_given_up_and_the_user_told(bot, sandbox, anna):
    bot.close_gate()
    await anna.photo(jpeg(PHOTO))
    killed = set()
    for _ in range(3):
        pid = await bot.painter_at_work(besides=killed)
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)
    await anna.wait_for(lambda message: "could not paint" in message.text)
    assert not results(anna)


async def test_a_stopped_bot_hands_the_job_back_and_goes_on_with_it(bot, sandbox, anna):
    bot.close_gate()
    await anna.photo(jpeg(PHOTO))
    await anna.wait_for(lambda message: "50%" in message.text)
    await bot.terminate()
    bot.open_gate()
    await bot.start()
    await anna.wait_for(is_result)
    assert len(results(anna)) == 1
