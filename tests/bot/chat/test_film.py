"""The film under a result: made of kept stages, short, silent, and playable by every phone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bot.chat.languages import make_i18n
from bot.chat.sketches import film
from bot.chat.sketches.film import SIDE, Films, make_film
from bot.storage.results import MOST_STAGES, Results

av = pytest.importorskip("av")


@pytest.fixture()
def results(tmp_path):
    """Job 7 with a red sketch, a green stage and a blue result."""
    results = Results(tmp_path / "results")
    Image.new("RGB", (60, 40), "red").save(results.sketch(7))
    results.begin_stages(7)
    preview = tmp_path / "preview.jpg"
    Image.new("RGB", (30, 20), "green").save(preview)
    results.keep_stage(7, preview)
    # The painter replaces its file.
    other = tmp_path / "other.jpg"
    Image.new("RGB", (30, 20), "yellow").save(other)
    other.replace(preview)
    Image.new("RGB", (900, 601), "blue").save(results.path(7))
    return results


def frames_of(path):
    with av.open(str(path)) as container:
        (stream,) = container.streams
        assert stream.type == "video" and stream.codec_context.name == "h264"
        seconds = float(stream.duration * stream.time_base)
        return seconds, [np.asarray(frame.to_image(), int) for frame in container.decode(stream)]


def test_a_film_goes_from_the_sketch_over_the_stages_to_the_result(results, tmp_path):
    make_film(results.stages(7), results.path(7), tmp_path / "film.mp4")
    seconds, frames = frames_of(tmp_path / "film.mp4")
    assert 4 <= seconds <= 6 and max(frames[0].shape) == SIDE
    strongest = [int(frame.mean((0, 1)).argmax()) for frame in frames]
    # Red, green, blue: each once, for a good part.
    assert strongest == sorted(strongest) and min(map(strongest.count, (0, 1, 2))) > 20


class BotDouble:
    def __init__(self):
        self.sent = []

    async def send_animation(self, animation, **place):
        data = b"".join([chunk async for chunk in animation.read(self)])
        self.sent.append(("film", data[4:8], place))

    async def send_message(self, text, **place):
        self.sent.append((text, place["chat_id"]))


async def test_a_film_is_made_once_and_sent_at_each_press(results):
    bot = BotDouble()
    films = Films(bot, make_i18n(), results)
    assert films.has(7) and not films.has(8)
    for _ in range(2):
        films.begin(7, {"chat_id": 1}, "en")
        await films.work.finish()
        results.path(7).unlink(missing_ok=True)
    assert bot.sent == [("film", b"ftyp", {"chat_id": 1})] * 2


async def test_of_two_presses_at_once_one_makes_the_film(results, monkeypatch):
    made = []

    def make(stages, result, path):
        made.append(path)
        path.write_bytes(b"....ftyp")

    monkeypatch.setattr(film, "make_film", make)
    bot = BotDouble()
    films = Films(bot, make_i18n(), results)
    for _ in range(2):
        films.begin(7, {"chat_id": 1}, "en")
    await films.work.finish()
    assert len(made) == 1 and len(bot.sent) == 2


async def test_a_film_that_cannot_be_made_is_apologised_for(results):
    results.path(7).write_text("no picture")
    bot = BotDouble()
    films = Films(bot, make_i18n(), results)
    films.begin(7, {"chat_id": 1}, "ru")
    await films.work.finish()
    assert bot.sent == [("Не получилось сделать ролик об этой картине.", 1)]


def test_stages_go_with_their_job_and_with_too_many_others(results):
    for job_id in range(8, 8 + MOST_STAGES):
        results.begin_stages(job_id)
    assert not results.stages(7) and results.path(7).exists()
    results.sketch(7).touch()
    results.remove([7])
    assert not results.stages(7) and results.orphans(set(), -1) == set(range(8, 8 + MOST_STAGES))
