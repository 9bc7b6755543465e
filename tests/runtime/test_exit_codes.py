"""What a command's end means to the shell, and what is printed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.errors import OptionError
from runtime.exit_codes import FAILED, INTERRUPTED, NO_READER, run_command

ROOT = Path(__file__).resolve().parents[2]


def raising(error):
    def command():
        raise error

    return command


def test_the_commands_own_code_is_returned(capsys):
    assert run_command(lambda: 3) == 3
    assert capsys.readouterr() == ("", "")


def test_a_reported_error_is_one_sentence(capsys):
    assert run_command(raising(OptionError("size is 1."))) == FAILED
    assert run_command(raising(ValueError("7")), reported=ValueError) == FAILED
    assert capsys.readouterr() == ("", "error: size is 1.\nerror: 7\n")


def test_ctrl_c_has_the_shells_code(capsys):
    assert run_command(raising(KeyboardInterrupt())) == INTERRUPTED
    assert run_command(raising(KeyboardInterrupt()), interrupted="stopped") == INTERRUPTED
    assert capsys.readouterr() == ("", "interrupted\nstopped\n")


def test_any_other_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run_command(raising(ZeroDivisionError()))


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "command",
    ["print('x' * 100_000)", "print('short')", "[print(number) for number in range(100_000)]"],
)
def test_a_reader_that_leaves_ends_the_command_quietly(command, unbuffered):
    program = (
        "from runtime.exit_codes import run_command\n"
        "import sys; sys.stdin.read()\n"
        f"raise SystemExit(run_command(lambda: [{command}, 0][1]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=str(ROOT),
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == NO_READER


def test_a_broken_pipe_of_something_else_keeps_its_traceback():
    def command():
        ours, theirs = socket.socketpair()
        theirs.close()
        with ours:
            ours.sendall(b"x")

    with pytest.raises(BrokenPipeError):
        run_command(command)
