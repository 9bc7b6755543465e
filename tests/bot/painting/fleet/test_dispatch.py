"""Jobs through a real server to painters that paint nothing."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bot.errors import PainterDied, PaintingFailed, PictureRefused
from bot.outcomes import PictureRole, Reason, Refusal
from bot.painting.painters import Needs
from bot.painting.protocol import SketchRequest, StyleFile
from runtime import SketchOptions
from tests.support.fleet.painters import HANG, PREVIEW


async def test_a_picture_comes_back_with_its_steps_and_leaves_nothing_behind(office):
    nano = office.hire("nano")
    request, heard = office.request(), []
    painter, result = await asyncio.wait_for(office.paint(request, heard=heard), HANG)
    assert (painter, result.width, result.height) == ("nano", 60, 40)
    assert Image.open(request.output).size == (60, 40)
    (sent,) = nano.requests
    assert sent.options == request.options and not Path(sent.photo).exists()
    assert heard[0].share == 0.5 and heard[0].preview.read_bytes() == PREVIEW
    assert heard[0].preview.parent == Path(request.previews)
    await office.no_files("nano")


@pytest.mark.parametrize(
    "error",
    [
        PictureRefused("It is broken.", PictureRole.STYLE, Reason.DAMAGED),
        PaintingFailed("There is no graph.", retriable=False),
        PainterDied("It was killed."),
        PainterDied("It crashed.", crashed=True),
    ],
)
async def test_errors_arrive_as_from_a_child_process(office, error):
    office.hire("nano").errors.append(error)
    with pytest.raises(type(error), match=str(error)) as caught:
        await office.paint()
    if isinstance(error, PictureRefused):
        assert caught.value.refusal == Refusal(PictureRole.STYLE, Reason.DAMAGED)
    else:
        assert vars(caught.value) == vars(error)


async def test_a_painter_that_failed_rests_while_another_one_paints(office):
    nano = office.hire("nano")
    await office.paint()
    nano.errors.append(PaintingFailed("There is no memory.", retriable=True))
    with pytest.raises(PaintingFailed):
        await office.paint()
    assert not office.fleet.idle
    office.hire("desktop")
    assert (await office.paint())[0] == "desktop"


async def test_each_painter_has_one_job_and_all_have_one(office):
    clients = [office.hire(name) for name in ("a", "b", "c")]
    for client in clients:
        client.hold()
    jobs = [asyncio.ensure_future(office.paint()) for _ in range(4)]
    await asyncio.gather(*(client.began.wait() for client in clients))
    assert [len(client.requests) for client in clients] == [1, 1, 1] and not office.fleet.idle
    for client in clients:
        client.release()
    painters = [painter for painter, _ in await asyncio.gather(*jobs)]
    assert set(painters) == {"a", "b", "c"}


async def test_a_cancelled_job_stops_its_painter_and_frees_it(office):
    nano = office.hire("nano")
    nano.hold()
    heard = []
    job = asyncio.ensure_future(office.paint(heard=heard))
    while not heard:
        await asyncio.sleep(0.01)
    job.cancel()
    await asyncio.wait([job])
    place = await office.reserve()
    assert nano.cancelled == nano.requests and place.painter == "nano"
    await office.no_files("nano")


async def test_a_job_goes_only_to_a_painter_with_its_generator(office):
    office.hire("nano")
    office.hire("desktop", generators=("zebra",))
    for _ in range(3):
        assert (await office.paint(needs=Needs(model="zebra")))[0] == "desktop"
    assert office.fleet.able(Needs(model="zebra")) == ["desktop"]
    assert office.fleet.able(Needs(model="vintage")) == []


async def test_a_large_picture_goes_to_a_painter_with_the_memory_if_there_is_one(office):
    office.hire("nano", largest=768)
    await office.paint()
    large = Needs(size=1280)
    assert office.fleet.able(large) == ["nano"]
    office.hire("desktop", largest=4096)
    while len(office.fleet.able(Needs())) < 2:
        await asyncio.sleep(0.02)
    assert office.fleet.able(large) == ["desktop"]


async def test_nobody_is_asked_for_a_sketch_without_the_networks(office):
    office.hire("nano", sketches=False)
    await office.paint()
    with pytest.raises(PaintingFailed, match="can sketch"):
        await office.fleet.sketch(None, within=1)


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_only_a_style_that_the_painter_lacks_travels(office, tmp_path):
    styles = [tmp_path / f"{colour}.png" for colour in ("red", "blue")]
    for path in styles:
        Image.new("RGB", (9, 9), path.stem).save(path)
    own = tmp_path / "own.png"
    own.write_bytes(styles[0].read_bytes())
    nano = office.hire("nano", own_styles={sha256_of(own): own})
    await office.paint(office.request(styles=styles))
    first, second = nano.requests[0].styles
    assert first.path == str(own)
    assert second.path.endswith(".png") and not second.path.startswith(str(tmp_path / "blue"))


def halve(picture):
    return picture.resize((30, 20))


async def test_a_picture_of_another_size_is_no_result(office):
    office.hire("nano").change = halve
    request = office.request()
    with pytest.raises(PaintingFailed, match="30x20"):
        await office.paint(request)
    assert not Path(request.output).exists()


class Garbage:
    """Instead of a picture."""

    width, height = 60, 40

    def save(self, path):
        Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))


async def test_garbage_is_no_result(office):
    office.hire("nano").change = lambda _: Garbage()
    with pytest.raises(PaintingFailed, match="no picture"):
        await office.paint()


async def test_a_film_comes_back_too(office):
    office.hire("nano")
    request = office.request()
    film = replace(request, output=request.output.replace(".png", ".gif"))
    await office.paint(film)
    assert Path(film.output).read_bytes().startswith(b"GIF")


async def test_a_sketch_is_drawn_beside_the_job_of_a_painter(office, tmp_path):
    nano = office.hire("nano")
    nano.hold()
    job = asyncio.ensure_future(office.paint())
    await nano.began.wait()
    style = tmp_path / "style.png"
    Image.new("RGB", (9, 9), "red").save(style)
    request = SketchRequest(
        photo=str(style),
        output=str(tmp_path / "sketch.jpg"),
        looks=((StyleFile(str(style)),),),
        options=SketchOptions(),
    )
    await office.fleet.sketch(request, within=HANG)
    assert Path(request.output).read_bytes() == PREVIEW and not job.done()
    nano.errors.append(PaintingFailed("There are no graphs.", retriable=False))
    with pytest.raises(PaintingFailed, match="no graphs"):
        await office.fleet.sketch(request, within=HANG)
    nano.release()
    await job


async def test_nobody_sketches_where_nobody_is(office, tmp_path):
    with pytest.raises(PaintingFailed, match="No painter"):
        await office.fleet.sketch(None, within=1)
