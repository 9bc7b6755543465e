"""Animations, videos and video notes, from both sides."""

from __future__ import annotations

import pytest

from tests.support import videos
from tests.support.sandbox.client import picture, refusal

av = pytest.importorskip("av")


@pytest.fixture
def clip(tmp_path):
    frames = [videos.plain("red", (128, 96))] * 20
    return videos.make_video(tmp_path / "a.mp4", frames).read_bytes()


async def test_a_video_has_its_size_and_length(bot, anna, clip):
    await anna.video(clip, "look")
    update = (await bot.updates())[-1]["message"]
    video = update["video"]
    assert (video["width"], video["height"], video["duration"]) == (128, 96, 2)
    assert update["caption"] == "look"
    assert await bot.download(video["file_id"]) == clip


async def test_a_phone_s_video_is_measured_upright(bot, anna, tmp_path):
    path = videos.make_video(tmp_path / "a.mp4", [videos.plain("red", (128, 96))])
    await anna.video(videos.turn(path).read_bytes())
    video = (await bot.updates())[-1]["message"]["video"]
    assert (video["width"], video["height"]) == (96, 128)


async def test_an_animation_is_a_document_too(bot, anna, tmp_path):
    images = [videos.plain(colour) for colour in ("red", "blue")]
    gif = videos.make_gif(tmp_path / "a.gif", [videos.Image.fromarray(each) for each in images])
    await anna.animation(gif.read_bytes(), "a.gif")
    message = (await bot.updates())[-1]["message"]
    assert message["animation"] == message["document"]
    assert message["animation"]["mime_type"] == "image/gif"
    assert (message["animation"]["width"], message["animation"]["height"]) == (64, 48)


async def test_a_video_note_has_a_length_of_its_side(bot, anna, tmp_path):
    path = videos.make_video(tmp_path / "a.mp4", [videos.plain("red", (64, 64))] * 10)
    await anna.video_note(path.read_bytes())
    note = (await bot.updates())[-1]["message"]["video_note"]
    assert (note["length"], note["duration"]) == (64, 1)


@pytest.mark.parametrize(
    ("method", "kind"),
    [("sendAnimation", "animation"), ("sendVideo", "video"), ("sendVideoNote", "video_note")],
)
async def test_the_bot_sends_them(bot, anna, clip, method, kind):
    answer = await bot.upload(method, {kind: ("a.mp4", clip)}, chat_id=anna.id)
    assert answer["result"][kind]["file_size"] == len(clip)
    assert anna.messages[-1].kind == kind
    again = await bot(method, chat_id=anna.id, **{kind: answer["result"][kind]["file_id"]})
    assert again["ok"]
    empty = await bot.upload(method, {kind: ("a.mp4", b"")}, chat_id=anna.id)
    assert "non-empty" in refusal(empty)


async def test_a_photo_becomes_a_video_but_no_video_note(bot, anna, clip):
    sent = await bot.upload("sendPhoto", {"photo": ("p.jpg", picture())}, chat_id=anna.id)
    place = {"chat_id": anna.id, "message_id": sent["result"]["message_id"]}
    for kind in ("animation", "video"):
        media = {"type": kind, "media": "attach://v", "caption": "done"}
        answer = await bot.upload("editMessageMedia", {"v": ("a.mp4", clip)}, media=media, **place)
        assert kind in answer["result"] and "photo" not in answer["result"]
    assert (await bot("editMessageCaption", caption="more", **place))["ok"]
    assert (anna.messages[-1].kind, anna.messages[-1].text) == ("video", "more")
    media = {"type": "video_note", "media": "attach://v"}
    answer = await bot.upload("editMessageMedia", {"v": ("a.mp4", clip)}, media=media, **place)
    assert not answer["ok"]
