from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.log import Problem

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "123456789:AAE-a_token_of_nobody"

SET_UP = f"""
import logging, os, sys, warnings
from bot.log import set_up_logging
token = {TOKEN!r}
formatter = set_up_logging("INFO", [token], os.environ)
log = logging.getLogger("bot.test")
"""


def logged(program, journal=False):
    """What a process that sets up its logging writes to stderr."""
    reader, writer = os.pipe()
    environ = dict(os.environ)
    environ.pop("JOURNAL_STREAM", None)
    if journal:
        status = os.fstat(writer)
        environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
    process = subprocess.Popen(
        [sys.executable, "-c", SET_UP + program], cwd=str(ROOT), env=environ, stderr=writer
    )
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as written:
        text = written.read()
    return process.wait(), text


@pytest.mark.parametrize(
    "program",
    [
        "log.info('calling https://api.telegram.org/bot%s/getMe', token)",
        "log.info({'token': token})",
        "log.warning('bot123456789%3AAAE-a_token_of_nobody')",
        "try: int(token)\nexcept ValueError: log.exception('failed')",
        "log.error('failed', stack_info=True, extra={}); raise RuntimeError(token)",
        "warnings.warn(token)",
        "formatter.add_secret('late-secret'); log.info('late-secret')",
    ],
)
def test_no_secret_is_written(program):
    _, text = logged(program)
    assert "***" in text
    assert "a_token_of_nobody" not in text and "late-secret" not in text


def test_uncaught_error_is_logged_and_ends_the_program():
    code, text = logged("raise RuntimeError('broken')")
    assert code == 1 and "CRITICAL bot.log" in text and "RuntimeError: broken" in text


def test_terminal_gets_times():
    _, text = logged("log.info('hello')")
    assert text.rstrip().endswith("INFO bot.test: hello") and text[:2] == "20"


def test_journal_gets_priorities_on_every_line():
    program = "log.info('one')\nlog.error('two\\nthree')\nlog.warning('four')"
    _, text = logged(program, journal=True)
    assert text.splitlines() == [
        "<6>INFO bot.test: one",
        "<3>ERROR bot.test: two",
        "<3>three",
        "<4>WARNING bot.test: four",
    ]


def test_inherited_variable_alone_is_not_the_journal():
    program = "os.environ['JOURNAL_STREAM'] = '1:1'\n" + SET_UP + "log.info('hello')"
    assert not logged(program)[1].startswith("<")


def test_level_holds_and_chatty_libraries_are_quiet():
    program = """
log.debug('unwanted')
logging.getLogger('aiohttp.access').info('unwanted')
logging.getLogger('aiogram.event').info('unwanted')
logging.getLogger('aiogram.event').error('wanted')
"""
    _, text = logged(program)
    assert "unwanted" not in text and "wanted" in text


def test_problem_is_logged_when_it_changes(caplog):
    caplog.set_level(logging.INFO)
    problem = Problem(logging.getLogger("bot.test"))
    for text in (None, "no tunnel", "no tunnel", "no network", None, None):
        problem.report(text)
    levels = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert levels == [
        ("WARNING", "no tunnel"),
        ("WARNING", "no network"),
        ("INFO", "No longer a problem: no network"),
    ]
