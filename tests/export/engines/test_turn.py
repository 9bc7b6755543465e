"""Paintings go first: when a build waits, pauses and ends."""

from __future__ import annotations

import contextlib
import signal
import subprocess

import pytest

from export.engines import driver, step
from export.engines.job import PINNED, Job
from export.engines.staleness import record_of
from export.engines.turn import MEMORY_PATIENCE_S, Turn
from runtime.machine.resources import MIN_FREE_MIB
from runtime.spec.engine_progress import Activity
from runtime.spec.engines import EngineHost, EngineRecord
from runtime.spec.graphs import gatys_graph
from runtime.spec.turns import painting
from runtime.spec.vgg import CLASSIC

BUILDING, PAINTING, MEMORY = Activity.BUILDING, Activity.PAINTING, Activity.MEMORY


class Board:
    """A machine with a clock of its own, on which photos are painted until a time."""

    def __init__(self, folder, patience=MEMORY_PATIENCE_S):
        self.folder = folder
        self.now = 0.0
        self.free_mib = 2 * MIN_FREE_MIB
        self.said = []
        self._paintings = contextlib.ExitStack()
        self._until = 0.0
        self.turn = Turn(
            folder,
            self.said.append,
            memory_patience=patience,
            free_mib=lambda: self.free_mib,
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    def paint_for(self, seconds):
        self._paintings.enter_context(painting(self.folder))
        self._until = self.now + seconds

    def sleep(self, seconds):
        self.now += seconds
        if self.now >= self._until:
            self._paintings.close()


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path)


class Process:
    """A step of a build, which notes the signals that it gets."""

    def __init__(self, returncode=None):
        self.returncode = returncode
        self.signals = []

    def send_signal(self, number):
        self.signals.append(number)

    def kill(self):
        self.signals.append(signal.SIGKILL)
        self.returncode = -signal.SIGKILL

    def wait(self):
        return self.returncode

    def poll(self):
        return self.returncode


def test_a_build_waits_until_the_photo_is_painted(board):
    board.turn.wait()
    assert (board.now, board.said) == (0, [BUILDING])
    board.paint_for(40)
    board.turn.wait()
    assert (board.now, board.turn.waited) == (40, 40)
    assert board.said == [BUILDING, PAINTING, BUILDING]


def test_a_build_waits_for_memory_but_not_for_ever(board):
    board.free_mib = MIN_FREE_MIB - 1
    board.turn.wait()
    assert board.now == MEMORY_PATIENCE_S and board.said == [MEMORY, BUILDING]
    # What has not come so far will not come for the next step either.
    board.turn.wait()
    assert board.now == MEMORY_PATIENCE_S


def test_at_a_terminal_nobody_waits_for_memory(tmp_path):
    board = Board(tmp_path, patience=0)
    board.free_mib = 0
    board.turn.wait()
    assert board.now == 0


def test_a_step_stands_still_while_a_photo_is_painted(board):
    process = Process()
    assert board.turn.give_way(process) and not process.signals
    board.paint_for(25)
    assert board.turn.give_way(process)
    assert process.signals == [signal.SIGSTOP, signal.SIGCONT]
    assert board.turn.waited == 25 and board.said == [PAINTING, BUILDING]


def test_a_step_ends_when_the_painting_needs_its_memory(board):
    process = Process()
    board.paint_for(25)
    board.free_mib = 100
    assert not board.turn.give_way(process)
    assert process.signals[:2] == [signal.SIGSTOP, signal.SIGKILL]


@pytest.mark.parametrize("code, waited", [(-signal.SIGKILL, False), (0, True), (10, True)])
def test_a_step_that_the_kernel_ended_meanwhile_gave_way(board, code, waited):
    board.paint_for(25)
    assert board.turn.give_way(Process(code)) is waited


def test_the_seconds_of_a_build_are_without_its_pauses(board, monkeypatch):
    job = Job(gatys_graph(CLASSIC, "average"), (48, 32), str(board.folder), "", PINNED, 0)
    host = EngineHost("8.2.1.8", "8201", "5.3", "Nano", "R32.6.1")

    def build_for_130_seconds(job, turn):
        board.now += 30
        board.paint_for(100)
        turn.wait()
        job.sidecar.write_text(record_of(job, host, b"plan", 130.0).to_json())

    monkeypatch.setattr(driver, "_build_with_retries", build_for_130_seconds)
    monkeypatch.setattr(driver.time, "monotonic", lambda: board.now)
    assert driver.build(job, board.turn) == 30
    assert EngineRecord.from_json(job.sidecar.read_text()).seconds == 30


def test_a_step_that_gave_way_is_run_again(board, monkeypatch, capsys):
    """The step is a real process, which a painting meets in its first run only."""
    runs = []

    class Step(subprocess.Popen):
        def __init__(self, command, **options):
            runs.append(command)
            first = len(runs) == 1
            if first:
                board.paint_for(3)
                board.free_mib = 100
            else:
                board.free_mib = 2 * MIN_FREE_MIB
            super().__init__(["sleep", "60"] if first else ["true"], **options)

    monkeypatch.setattr(step.subprocess, "Popen", Step)
    monkeypatch.setattr(step, "_TICK_S", 0.01)
    job = Job(gatys_graph(CLASSIC, "average"), (48, 32), str(board.folder), "", PINNED, 0)
    assert step.run_step("any.module", job, board.turn).code == 0
    assert len(runs) == 2
    assert "ended for a photo that needs the memory" in capsys.readouterr().out
