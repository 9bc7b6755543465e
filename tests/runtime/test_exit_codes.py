"""What a command's end means to the shell, and what is printed."""

from __future__ import annotations

import pytest

from runtime.errors import OptionError
from runtime.exit_codes import FAILED, INTERRUPTED, run_command


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
