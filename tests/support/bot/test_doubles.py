"""The stand-ins behave as what they stand for."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace

import pytest
from PIL import Image

from bot.errors import PainterDied, PictureRefused
from bot.outcomes import PictureRole, Reason, Refusal
from bot.painting.client import PainterClient
from bot.painting.protocol import PaintRequest, StyleFile
from runtime import StylizeOptions, TranslateOptions
from tests.support.bot.doubles import FakePainterClient, mean_colour, model_colour


def request(folder, photo="red", style="blue", **changes):
    for colour in (photo, style):
        Image.new("RGB", (80, 60), colour).save(folder / f"{colour}.png")
    given = {
        "photo": str(folder / f"{photo}.png"),
        "styles": (StyleFile(str(folder / f"{style}.png")),),
        "output": str(folder / f"{photo}-{style}.png"),
        "previews": str(folder),
        "options": StylizeOptions(size=64),
    }
    return PaintRequest(**{**given, **changes})


def test_double_has_the_worker_s_interface():
    for name in ("start", "close", "submit"):
        real, double = (
            inspect.signature(getattr(each, name)) for each in (PainterClient, FakePainterClient)
        )
        assert list(real.parameters) == list(double.parameters)


async def test_result_shows_which_photo_and_which_style_it_is_of(tmp_path):
    painter_client, heard = FakePainterClient(), []
    for photo, style, expected in (
        ("red", "blue", (127, 0, 127)),
        ("lime", "red", (127, 127, 0)),
    ):
        wanted = request(tmp_path, photo, style)
        result = await painter_client.submit(wanted, on_progress=heard.append)
        with Image.open(wanted.output) as painted:
            assert painted.size == (result.width, result.height) == (80, 60)
            assert mean_colour(painted) == pytest.approx(expected, abs=1)
    assert [each.share for each in heard] == [0.1, 0.5] * 2 and heard[1].preview.exists()


async def test_a_mix_has_the_colours_of_both_styles(tmp_path):
    wanted = request(tmp_path, "black", "blue")
    Image.new("RGB", (80, 60), "red").save(tmp_path / "red.png")
    styles = (*wanted.styles, StyleFile(str(tmp_path / "red.png"), 3.0))
    await FakePainterClient().submit(replace(wanted, styles=styles), on_progress=lambda _: None)
    with Image.open(wanted.output) as painted:
        assert mean_colour(painted) == pytest.approx((95, 0, 32), abs=1)


async def test_translation_has_the_model_s_colour(tmp_path):
    wanted = request(
        tmp_path, photo="black", options=TranslateOptions(), styles=(), model="vintage"
    )
    await FakePainterClient().submit(wanted, on_progress=lambda _: None)
    with Image.open(wanted.output) as painted:
        expected = [value / 2 for value in model_colour("vintage")]
        assert mean_colour(painted) == pytest.approx(expected, abs=1)


async def test_held_task_waits_and_can_be_cancelled(tmp_path):
    painter_client, halfway = FakePainterClient(), asyncio.Event()

    def hear(progress):
        if progress.preview:
            halfway.set()

    painter_client.hold()
    submitted = [
        asyncio.ensure_future(painter_client.submit(request(tmp_path, photo), on_progress=hear))
        for photo in ("red", "lime")
    ]
    await halfway.wait()
    assert len(painter_client.requests) == 1
    submitted[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await submitted[0]
    painter_client.release()
    assert (await submitted[1]).width == 80
    assert painter_client.cancelled == painter_client.requests[:1]


async def test_fails_as_told_and_refuses_what_is_no_picture(tmp_path):
    painter_client = FakePainterClient()
    painter_client.fail(PainterDied("killed"), None)
    with pytest.raises(PainterDied, match="killed"):
        await painter_client.submit(request(tmp_path), on_progress=lambda _: None)
    await painter_client.submit(request(tmp_path), on_progress=lambda _: None)
    wanted = request(tmp_path)
    (tmp_path / "blue.png").write_text("hello")
    with pytest.raises(PictureRefused) as caught:
        await painter_client.submit(wanted, on_progress=lambda _: None)
    assert caught.value.refusal == Refusal(PictureRole.STYLE, Reason.NOT_A_PICTURE)
