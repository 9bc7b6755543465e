"""Videos are jobs: they come back in kind, outlive the bot, and are cancelled."""

from __future__ import annotations

import pytest

from tests.support import videos

pytest.importorskip("av")

KINDS = ("animation", "video", "video_note")


@pytest.fixture()
def clip(tmp_path):
    frames = [videos.plain(colour, (64, 64)) for colour in ("red", "blue")]
    return videos.make_video(tmp_path / "clip.mp4", frames).read_bytes()


@pytest.fixture()
async def anna(sandbox, bot):
    user = sandbox.user(name="Anna")
    await user.text("/styles")
    gallery = await user.wait_for(lambda message: message.buttons)
    await user.press(gallery, "1")
    await user.wait_for(lambda message: "Now send" in message.text, after=gallery)
    return user


def answers(user, sent, kind):
    """The messages of the bot that answer `sent`, after one of `kind` has come."""
    return user.wait_for(
        lambda message: message.kind == kind and message.reply_to == sent.id, timeout=20.0
    )


def said(user, sent):
    return [each for each in user.messages if each.from_bot and each.reply_to == sent.id]


async def test_each_kind_comes_back_as_it_came(bot, sandbox, anna, clip):
    for kind in KINDS:
        sent = await getattr(anna, kind)(clip)
        result = await answers(anna, sent, kind)
        assert said(anna, sent) == [result]
        assert sandbox.bytes_of(result.file_id) == clip
        assert ("Your video in the style" in result.text) == (kind != "video_note")
        assert result.buttons[0][0].text == "Another style"
    sent = await anna.document(clip, "clip.mp4", mime_type="video/mp4")
    assert (await answers(anna, sent, "document")).file_name == "jetbrush.mp4"
    assert "Traceback" not in bot.log


async def test_a_killed_bot_answers_every_video_once(bot, sandbox, anna, clip):
    async def while_painting():
        bot.close_gate()
        sent = await anna.video(clip)
        await anna.wait_for(lambda message: "50%" in message.text)
        return sent, "video"

    async def after_a_note_arrived_and_before_it_is_known():
        held = sandbox.faults.hold("sendVideoNote", after=True)
        sent = await anna.video_note(clip)
        await held.reached()
        return sent, "video_note"

    for moment in (while_painting, after_a_note_arrived_and_before_it_is_known):
        sent, kind = await moment()
        await bot.kill()
        sandbox.faults.clear()
        if bot.gate_is_closed:
            bot.open_gate()
        await bot.start()
        await answers(anna, sent, kind)
        # What the bot does after a result comes before its next answer.
        await anna.wait_for(after=await anna.text("?"))
        assert [each.kind for each in said(anna, sent)] == [kind], moment.__name__


async def test_a_video_is_cancelled(bot, anna, clip):
    bot.close_gate()
    await anna.video(clip)
    status = await anna.wait_for(lambda message: "50%" in message.text)
    await anna.press(status, "Cancel")
    await anna.wait_for(lambda message: message.text == "Cancelled.", timeout=2.0)
