"""The worker against a program that speaks the painter's protocol; tests/bot/test_painter.py has
the real one."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import PainterDied, PainterStuck, PaintingFailed, PictureRefused
from bot.outcomes import PictureRole, Reason, Refusal
from bot.painting import client
from bot.painting.client import PainterClient
from bot.painting.protocol import PaintProgress, PaintResult
from tests.support.bot.processes import gone, is_there
from tests.support.painters.requests import request, unheard

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FAKE = (sys.executable, str(ROOT / "tests" / "support" / "painters" / "fake_painter.py"))
#: Seconds after which something that should end counts as hanging.
HANG = 60.0
DONE = PaintResult(seconds=0.5, steps=9, width=640, height=480)


class Running:
    """A submitted task of which the first step has been heard."""

    def __init__(self, painter_client, what):
        self.began = asyncio.Event()
        self.future = asyncio.ensure_future(
            painter_client.submit(request(what), on_progress=lambda _: self.began.set())
        )

    async def __aenter__(self):
        await asyncio.wait_for(self.began.wait(), HANG)
        return self.future

    async def __aexit__(self, *_):
        self.future.cancel()
        await asyncio.wait({self.future})


@pytest.fixture()
async def make():
    workers = []

    def make_worker(*arguments, **options):
        workers.append(PainterClient((*FAKE, *arguments), **options))
        return workers[-1]

    yield make_worker
    for each in workers:
        await each.close()


async def test_steps_are_heard_in_order_and_the_result_comes_last(make):
    heard = []
    assert await make().submit(request(), on_progress=heard.append) == DONE
    assert heard == [
        PaintProgress(share=0.1, step=1, steps=10),
        PaintProgress(share=0.9, step=9, steps=10, preview=Path("previews/one-preview.jpg")),
    ]


async def test_engines_that_come_meanwhile_change_what_paints(make):
    painter_client = make()
    await painter_client.start()
    assert painter_client.backend == "a double"
    assert await painter_client.submit(request("new engines"), on_progress=unheard) == DONE
    assert painter_client.backend == "trt"
    await painter_client.submit(request(), on_progress=unheard)
    assert painter_client.backend == "trt"


async def test_tasks_take_turns_in_one_process(make, caplog):
    caplog.set_level(logging.INFO)
    painter_client = make()
    await painter_client.start()
    pid = painter_client.pid
    names = ["a", "b", "c"]
    jobs = [painter_client.submit(request(name=name), on_progress=unheard) for name in names]
    assert await asyncio.gather(*jobs) == [DONE] * 3
    assert painter_client.pid == pid
    await painter_client.close()
    started = [
        each.getMessage() for each in caplog.records if "painter: request" in each.getMessage()
    ]
    assert started == [f"painter: request {name}.png" for name in names]


async def test_refusal_says_which_picture_and_why(make):
    with pytest.raises(PictureRefused, match="Broken") as caught:
        await make().submit(request("refuse"), on_progress=unheard)
    assert caught.value.refusal == Refusal(PictureRole.STYLE, Reason.DAMAGED)


@pytest.mark.parametrize(
    ("what", "reason"),
    [("slow picture", Reason.TOO_SLOW), ("crash of a decoder", Reason.DAMAGED)],
)
async def test_a_picture_that_stops_the_painter_is_refused(make, what, reason):
    painter_client = make(decoding=0.5)
    await painter_client.start()
    pid = painter_client.pid
    with pytest.raises(PictureRefused) as caught:
        await asyncio.wait_for(painter_client.submit(request(what), on_progress=unheard), 10)
    assert caught.value.refusal == Refusal(PictureRole.STYLE, reason)
    await gone(pid)
    assert await painter_client.submit(request(), on_progress=unheard) == DONE


@pytest.mark.parametrize(
    "line", ["no JSON", "5", "{}", '{"kind": "done", "number": []}', "[" * 100_000]
)
async def test_a_painter_that_sends_no_message_is_killed(make, caplog, line):
    with pytest.raises(PainterDied):
        await asyncio.wait_for(make().submit(request(f"line {line}"), on_progress=unheard), HANG)
    assert "The painter sent a line that is no message" in caplog.text


async def test_a_kill_is_not_the_fault_of_the_picture(make):
    with pytest.raises(PainterDied) as caught:
        await make().submit(request("kill while reading"), on_progress=unheard)
    assert caught.value.retriable


async def test_the_time_for_decoding_ends_with_it(make):
    painter_client = make(decoding=0.2)
    async with Running(painter_client, "sleep"):
        await asyncio.sleep(0.6)
        assert painter_client.pid is not None and is_there(painter_client.pid)


async def test_failure_worth_a_retry_gets_a_new_process_for_it(make):
    painter_client = make()
    await painter_client.start()
    pid = painter_client.pid
    with pytest.raises(PaintingFailed, match="no graph") as caught:
        await painter_client.submit(request("no graph"), on_progress=unheard)
    assert not caught.value.retriable and painter_client.pid == pid
    with pytest.raises(PaintingFailed, match="out of memory") as caught:
        await painter_client.submit(request("out of memory"), on_progress=unheard)
    assert caught.value.retriable
    assert await painter_client.submit(request(), on_progress=unheard) == DONE
    assert painter_client.pid != pid and not is_there(pid)


async def test_death_is_told_with_its_signal_after_the_last_words(make, caplog):
    painter_client = make()
    with pytest.raises(PainterDied, match=r"SIGKILL.*memory") as caught:
        await painter_client.submit(request("die"), on_progress=unheard)
    assert caught.value.retriable
    words = [each for each in caplog.records if "it is all over" in each.getMessage()]
    assert [each.levelno for each in words] == [logging.ERROR]
    assert await painter_client.submit(request(), on_progress=unheard) == DONE


async def test_mistake_in_the_child_leaves_its_traceback_in_the_log(make, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(PainterDied, match="status 1"):
        await make().submit(request("crash"), on_progress=unheard)
    assert "RuntimeError: a mistake" in caplog.text


async def test_child_that_died_idle_is_replaced_with_a_line_in_the_log(make, caplog):
    painter_client = make()
    await painter_client.start()
    pid = painter_client.pid
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    try:
        await painter_client.submit(request(), on_progress=unheard)
    except PainterDied:  # The loop had not heard of its end yet.
        await painter_client.submit(request(), on_progress=unheard)
    assert painter_client.pid != pid and f"Painter {pid} is gone" in caplog.text


async def test_stuck_child_is_killed_when_patience_is_at_an_end(make):
    # Longer than a busy machine lets the next child wait between two messages.
    painter_client = make(patience=2)
    async with Running(painter_client, "sleep") as running:
        pid = painter_client.pid
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(PainterStuck, match=r"2 s") as caught:
            await asyncio.wait_for(running, HANG)
    assert caught.value.retriable
    await gone(pid)
    assert await painter_client.submit(request(), on_progress=unheard) == DONE


async def test_cancelled_task_stops_and_the_child_stays(make):
    painter_client = make()
    async with Running(painter_client, "sleep") as running:
        pid = painter_client.pid
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, HANG)
    assert await painter_client.submit(request(), on_progress=unheard) == DONE
    assert painter_client.pid == pid


async def test_child_deaf_to_a_cancel_is_killed_within_two_seconds(make):
    painter_client = make()
    async with Running(painter_client, "deaf") as running:
        pid = painter_client.pid
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, HANG)
    assert client.GRACE < 2
    await gone(pid)
    assert await painter_client.submit(request(), on_progress=unheard) == DONE


async def test_second_cancel_does_not_leave_the_first_task_running(make, monkeypatch):
    # It ends the process at once, and not with the first one's grace.
    monkeypatch.setattr(client, "GRACE", 100 * HANG)
    painter_client = make()
    async with Running(painter_client, "deaf") as running:
        pid = painter_client.pid
        for _ in range(2):
            running.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, HANG)
    await gone(pid)
    assert await painter_client.submit(request(), on_progress=unheard) == DONE


async def test_waiting_task_can_be_cancelled_without_harm_to_the_running_one(make):
    painter_client = make()
    async with Running(painter_client, "sleep") as running:
        waiting = asyncio.ensure_future(painter_client.submit(request(), on_progress=unheard))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not running.done()


async def test_listener_that_fails_stops_the_task(make):
    def fails(progress):
        raise KeyError("listener")

    painter_client = make()
    with pytest.raises(KeyError, match="listener"):
        await painter_client.submit(request("sleep"), on_progress=fails)
    assert await painter_client.submit(request(), on_progress=unheard) == DONE


async def test_noise_on_standard_error_neither_blocks_nor_breaks(make, caplog):
    caplog.set_level(logging.INFO)
    painter_client = make()
    assert await painter_client.submit(request("much noise"), on_progress=unheard) == DONE
    with pytest.raises(PainterDied):
        await painter_client.submit(request("die"), on_progress=unheard)
    assert "left out" in caplog.text and "after the noise" in caplog.text


async def test_start_that_fails_is_told(make):
    with pytest.raises(PainterDied, match="status 3"):
        await make("dies at start").start()
    with pytest.raises(PainterStuck, match=r"0\.3 s"):
        await make("never ready", start_up=0.3).start()
    with pytest.raises(PainterDied, match="cannot be started"):
        await PainterClient(("/no/such/program",)).start()


async def test_start_can_be_cancelled_and_leaves_no_process(make, caplog):
    painter_client = make("never ready")
    starting = asyncio.ensure_future(painter_client.start())
    while painter_client.pid is None:
        await asyncio.sleep(0.01)
    pid = painter_client.pid
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(starting, HANG)
    await gone(pid)


async def test_closing_ends_everything_and_may_be_done_twice(make):
    painter_client = make()
    async with Running(painter_client, "deaf") as running:
        pid = painter_client.pid
        waiting = asyncio.ensure_future(painter_client.submit(request(), on_progress=unheard))
        await asyncio.sleep(0)
        await asyncio.wait_for(painter_client.close(), HANG)
        for each in (running, waiting):
            with pytest.raises(PainterDied):
                await each
    assert not is_there(pid)
    await painter_client.close()
    with pytest.raises(PainterDied, match="closed"):
        await painter_client.submit(request(), on_progress=unheard)


async def test_closing_while_it_starts_leaves_no_process(make):
    painter_client = make("never ready")
    starting = asyncio.ensure_future(painter_client.start())
    await asyncio.sleep(0)
    await asyncio.wait_for(painter_client.close(), HANG)
    with pytest.raises(PainterDied):
        await starting
    assert painter_client.pid is None


async def test_child_is_out_of_reach_of_ctrl_c(make):
    painter_client = make()
    await painter_client.start()
    assert os.getpgid(painter_client.pid) != os.getpgid(os.getpid())


def test_nothing_is_left_for_the_garbage_collector_to_complain_of():
    """A whole life in a process of its own: asyncio warns at exit of what was not closed."""
    program = f"""
import asyncio
from bot.errors import PainterDied
from bot.outcomes import PictureRole, Reason, Refusal
from bot.painting.client import PainterClient
from tests.support.painters.requests import request, unheard

async def main():
    worker = PainterClient({FAKE!r})
    await worker.submit(request(), on_progress=unheard)
    try:
        await worker.submit(request("die"), on_progress=unheard)
    except PainterDied:
        await worker.submit(request(), on_progress=unheard)
    await worker.close()

asyncio.run(main(), debug=True)
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        cwd=str(ROOT),
        stderr=subprocess.PIPE,
        check=True,
    )
    told = done.stderr.decode()
    assert "Warning" not in told and "never retrieved" not in told, told


async def test_the_child_does_not_get_the_secrets(monkeypatch):
    monkeypatch.setenv("BOT_TOKEN", "42:secret")
    painter_client = PainterClient(FAKE)
    try:
        await painter_client.start()
        environment = Path(f"/proc/{painter_client.pid}/environ").read_bytes()
    finally:
        await painter_client.close()
    assert b"42:secret" not in environment
    assert b"PYTHONPATH=" in environment
