"""The real child process painting real pictures, small ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.errors import PainterDied, PaintingFailed, PictureRefused
from bot.outcomes import PictureRole, Reason, Refusal
from bot.painting import painter
from bot.painting.client import PainterClient, painter_command
from bot.painting.painter import OOM_SCORE, PREVIEW_EVERY
from bot.painting.protocol import PaintRequest, PaintResult, StyleFile
from runtime import StylizeOptions, TranslateOptions
from runtime.backends.fake import FakeBackend
from runtime.backends.kept import KeptGraphs
from runtime.errors import BackendError
from runtime.imaging.limits import MOST_PIXELS
from runtime.spec.graphs import faces_graph
from runtime.spec.turns import is_painting
from tests.support.bot.processes import gone, is_there
from tests.support.pictures import photo, with_scans

ROOT = Path(__file__).resolve().parent.parent.parent.parent

#: A painting of many seconds whose steps are short: it looks whether it is cancelled after each,
#: which on a busy machine must take less than the client's grace too.
LONG = {"size": 96, "steps": 1000}


@pytest.fixture()
def studio(tmp_path):
    """A folder with a photo and a style."""
    photo(90, 70).save(tmp_path / "photo.jpg")
    photo(80, 80, "nagasaki-boats.jpg").save(tmp_path / "style.jpg")
    return tmp_path


@pytest.fixture()
async def painter_client(engines):
    painter_client = PainterClient(painter_command(engines))
    yield painter_client
    await painter_client.close()


def request(studio, **changes):
    given = {
        "photo": str(studio / "photo.jpg"),
        "styles": (StyleFile(str(studio / "style.jpg")),),
        "output": str(studio / "result.png"),
        "previews": str(studio),
        "options": options(),
    }
    return PaintRequest(**{**given, **changes})


def options(**changes):
    return StylizeOptions(**{"size": 64, "fine": 64, "steps": 6, "backend": "onnxrt", **changes})


def unheard(progress):
    """Take no notice."""


async def begin(painter_client, wanted):
    """Submit a task and wait for its first step; returns what is to be awaited."""
    began = asyncio.Event()
    running = asyncio.ensure_future(
        painter_client.submit(wanted, on_progress=lambda _: began.set())
    )
    waiting = asyncio.ensure_future(began.wait())
    await asyncio.wait({running, waiting}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    assert began.is_set() and not running.done()
    return running


async def test_photo_is_painted_step_by_step(painter_client, studio, engines):
    heard, pauses = [], []

    def hear(progress):
        heard.append(progress)
        pauses.append(is_painting(engines))

    result = await painter_client.submit(request(studio), on_progress=hear)
    # The builder of engines pauses meanwhile.
    assert all(pauses) and not is_painting(engines)
    with Image.open(studio / "result.png") as painted:
        assert painted.size == (90, 70) == (result.width, result.height)
        away = np.abs(np.asarray(painted, float) - np.asarray(photo(90, 70), float)).mean()
    assert away > 5
    assert [each.step for each in heard] == list(range(1, 13))
    shares = [each.share for each in heard]
    assert shares == sorted(shares) and shares[-1] == 1
    # The last step has none: its picture is the result.
    shown = [each.share for each in heard if each.preview]
    assert len(shown) > 6 and shown[-1] < 1
    assert min(np.diff([0, *shown])) >= PREVIEW_EVERY
    preview = next(each.preview for each in heard if each.preview)
    with Image.open(preview) as shown:
        assert shown.format == "JPEG" and abs(shown.width / shown.height - 90 / 70) < 0.05
    assert 0 < result.seconds < 60 and result.steps == 12
    left = {each.name for each in studio.iterdir()}
    assert left == {"photo.jpg", "style.jpg", "result.png", preview.name}


async def test_what_is_at_fault_is_told_and_the_child_goes_on(painter_client, studio, engines):
    whole = (studio / "photo.jpg").read_bytes()
    (studio / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (studio / "text.jpg").write_text("hello")
    Image.new("RGB", (1, 1)).save(studio / "dot.png")
    Image.new("1", (8000, 7000)).save(studio / "vast.png")
    (studio / "scans.jpg").write_bytes(with_scans(photo(90, 70), 3000))
    await painter_client.start()
    pid = painter_client.pid
    for picture, name, reason in (
        (PictureRole.PHOTO, "cut.jpg", Reason.DAMAGED),
        (PictureRole.STYLE, "text.jpg", Reason.NOT_A_PICTURE),
        (PictureRole.PHOTO, "dot.png", Reason.TOO_SMALL),
        (PictureRole.STYLE, "vast.png", Reason.TOO_LARGE),
        (PictureRole.PHOTO, "scans.jpg", Reason.TOO_SLOW),
    ):
        path = str(studio / name)
        is_style = picture is PictureRole.STYLE
        wanted = request(
            studio, **({"styles": (StyleFile(path),)} if is_style else {"photo": path})
        )
        with pytest.raises(PictureRefused) as refused:
            await painter_client.submit(wanted, on_progress=unheard)
        assert refused.value.refusal == Refusal(picture, reason)
    for changes, match in (
        ({"options": TranslateOptions(), "model": "nothing2all"}, "nothing2all"),
        ({"options": TranslateOptions()}, "model"),
        ({"styles": ()}, "style"),
    ):
        with pytest.raises(PaintingFailed, match=match) as failed:
            await painter_client.submit(request(studio, **changes), on_progress=unheard)
        assert not failed.value.retriable
    assert painter_client.pid == pid and not (studio / "result.png").exists()
    for changes, match in (
        ({"output": str(studio / "no folder" / "result.png")}, "No such file"),
        ({"photo": str(studio / "lost.jpg")}, r"lost\.jpg"),
    ):
        with pytest.raises(PaintingFailed, match=match) as failed:
            await painter_client.submit(
                request(studio, options=options(steps=1), **changes), on_progress=unheard
            )
        assert failed.value.retriable


#: A painter that decodes the style for ten minutes, with the interpreter's lock held.
SLOW_DECODER = """
import ctypes, sys
from bot.painting import painter
import runtime.imaging.reading

decode = runtime.imaging.reading._decode

def slow(data):
    picture = decode(data)
    if picture.width == 80:
        # Of Python's own interface, which keeps the lock.
        ctypes.PyDLL(None).sleep(600)
    return picture

runtime.imaging.reading._decode = slow
painter.main()
"""


async def test_a_decoder_that_does_not_end_is_refused_and_the_next_request_painted(studio, engines):
    command = (sys.executable, "-u", "-c", SLOW_DECODER, "--engines", str(engines))
    painter_client = PainterClient(command, decoding=2)
    try:
        with pytest.raises(PictureRefused) as refused:
            await asyncio.wait_for(painter_client.submit(request(studio), on_progress=unheard), 60)
        assert refused.value.refusal == Refusal(PictureRole.STYLE, Reason.TOO_SLOW)
        wanted = request(studio, styles=(StyleFile(str(studio / "photo.jpg")),))
        assert (await painter_client.submit(wanted, on_progress=unheard)).steps == 12
    finally:
        await painter_client.close()


#: Runs what follows with a gigabyte for the data of the process.
GIGABYTE = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
os.execv(sys.argv[1], sys.argv[1:])
"""


async def test_a_gigabyte_is_enough_whatever_is_sent(studio, engines):
    """The largest picture of each kind is painted or refused, and the painter stays."""
    side = int(MOST_PIXELS**0.5)
    Image.new("RGBA", (side, side)).save(studio / "large.png", compress_level=1)
    Image.new("CMYK", (side, side)).save(studio / "large.jpg", progressive=True)
    Image.new("F", (side, side), 0.5).save(studio / "large.tif", compression="tiff_lzw")
    Image.new("P", (side, side)).save(studio / "large.gif")
    (studio / "scans.jpg").write_bytes(with_scans(Image.new("RGB", (4096, 4096)), 3000))
    command = [sys.executable, "-c", GIGABYTE, *painter_command(engines)]
    painter_client = PainterClient(command)
    try:
        await painter_client.start()
        pid = painter_client.pid
        for name in ("large.png", "large.jpg", "large.tif", "large.gif", "scans.jpg"):
            wanted = request(
                studio, styles=(StyleFile(str(studio / name)),), options=options(steps=1)
            )
            with contextlib.suppress(PictureRefused):
                await painter_client.submit(wanted, on_progress=unheard)
        assert (await painter_client.submit(request(studio), on_progress=unheard)).steps == 12
        assert painter_client.pid == pid
    finally:
        await painter_client.close()


async def test_a_mix_of_two_styles_is_between_them(studio, painter_client):
    red, blue = (studio / f"{colour}.png" for colour in ("red", "blue"))
    for path in (red, blue):
        Image.new("RGB", (80, 80), path.stem).save(path)
    redness = []
    for styles in ([(red, 1.0)], [(red, 0.5), (blue, 0.5)], [(blue, 1.0)]):
        files = tuple(StyleFile(str(path), weight) for path, weight in styles)
        await painter_client.submit(request(studio, styles=files), on_progress=unheard)
        with Image.open(studio / "result.png") as painted:
            mean_red, _, mean_blue = painted.resize((1, 1)).getpixel((0, 0))
        redness.append(mean_red - mean_blue)
    assert redness == sorted(set(redness), reverse=True)


async def test_photo_is_translated_and_missing_graphs_are_told(studio):
    engines = studio / "engines"
    engines.mkdir()
    # The fake backend asks no more of a graph than that its file is there.
    (engines / "generator-grey.onnx").touch()
    painter_client = PainterClient(painter_command(engines))
    try:
        wanted = request(studio, options=TranslateOptions(backend="fake"), styles=(), model="grey")
        heard = []
        result = await painter_client.submit(wanted, on_progress=heard.append)
        assert (result.width, result.height, result.steps) == (90, 70, 1)
        with Image.open(studio / "result.png") as painted:
            assert painted.size == (90, 70)
        assert [(each.share, each.preview) for each in heard] == [(1, None)]
        with pytest.raises(PaintingFailed, match="make onnx") as caught:
            await painter_client.submit(request(studio), on_progress=unheard)
        assert not caught.value.retriable
    finally:
        await painter_client.close()


@pytest.mark.alone
async def test_cancel_and_kill_in_the_middle_leave_a_worker_that_works(painter_client, studio):
    running = await begin(painter_client, request(studio, options=options(**LONG)))
    pid, asked = painter_client.pid, time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - asked < 2

    running = await begin(painter_client, request(studio, options=options(**LONG)))
    assert painter_client.pid == pid, "the cancelled task was not stopped but killed"
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(PainterDied, match="SIGKILL"):
        await asyncio.wait_for(running, 10)
    assert not (studio / "result.png").exists()

    assert (
        await painter_client.submit(request(studio, options=options(steps=1)), on_progress=unheard)
    ).steps == 2
    assert painter_client.pid != pid


async def test_kernel_takes_the_child_before_the_bot(painter_client):
    await painter_client.start()
    score = Path(f"/proc/{painter_client.pid}/oom_score_adj")
    if not score.exists():
        pytest.skip("no /proc here")
    own = int(Path("/proc/self/oom_score_adj").read_text())
    assert int(score.read_text()) == max(OOM_SCORE, own)


async def test_prints_of_libraries_go_to_the_log(studio, engines, caplog):
    caplog.set_level("INFO")
    program = """
import os, sys
from bot.painting import painter

def noisy(engines, prepare=painter._prepare):
    print("from Python")
    os.write(1, b"from a library\\n")
    os.system("echo from a program")
    assert sys.stdin.read() == ""
    prepare(engines)

painter._prepare = noisy
painter.main()
"""
    painter_client = PainterClient((sys.executable, "-u", "-c", program, "--engines", str(engines)))
    try:
        assert (await painter_client.submit(request(studio), on_progress=unheard)).steps == 12
    finally:
        await painter_client.close()
    for each in ("from Python", "from a library", "from a program"):
        assert each in caplog.text


def test_each_result_says_what_the_networks_run_on_now(engines, monkeypatch):
    """Engines that are built after the start of the process are taken up without another."""
    said = []
    paints = PaintResult(seconds=1.0, steps=3, width=9, height=7)
    monkeypatch.setattr(painter, "_paint", lambda *_: paints)
    monkeypatch.setattr("runtime.backends.candidates", lambda *_: iter([FakeBackend]))
    painter._serve(
        request(Path("unused")),
        threading.Event(),
        lambda kind, **fields: said.append((kind, fields)),
        lambda: None,
        {"engines": engines},
    )
    ((kind, fields),) = said
    assert kind == "done" and fields["backend"] == FakeBackend.name and fields["steps"] == 3


def test_the_graphs_are_closed_when_no_request_comes_for_long():
    class Requests:
        def get(self, timeout=None):
            if timeout is not None:
                raise queue.Empty
            return "request", "cancel"

    with KeptGraphs() as graphs:
        with graphs.open(FakeBackend, faces_graph(), (64, 32), Path()) as loaded:
            image = {"image": np.zeros((1, 3, 32, 64), np.float32)}
            loaded.run(image)
        assert painter._next(Requests(), graphs) == ("request", "cancel")
        with pytest.raises(BackendError, match="not loaded"):
            loaded.run(image)


#: A painter in the middle of an evaluation that says nothing for minutes.
BUSY = """
import time
from bot.painting import painter

def paint(request, cancel, say, engines):
    say("progress", share=0.1, step=1, steps=10, preview=False)
    time.sleep(600)

painter._paint = paint
painter.main()
"""

PARENT = """
import asyncio, json, sys
from bot.painting.protocol import PaintRequest, StyleFile
from bot.painting.client import PainterClient

async def main():
    worker = PainterClient((sys.executable, "-c", sys.argv[1]))
    wanted = PaintRequest.from_message(json.loads(sys.argv[2]))
    await worker.submit(wanted, on_progress=lambda _: print(worker.pid, flush=True))

asyncio.run(main())
"""


async def test_child_does_not_outlive_a_killed_parent(studio):
    wanted = json.dumps(request(studio).to_message())
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PARENT,
        BUSY,
        wanted,
        cwd=str(ROOT),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        child = int(await asyncio.wait_for(parent.stdout.readline(), 60))
        assert is_there(child)
    finally:
        parent.kill()
        await parent.communicate()
    await gone(child)
