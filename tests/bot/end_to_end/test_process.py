"""The bot as the owner runs it: what it logs, how it stops, what it says when it cannot start."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys

import pytest

from bot.storage.schema import migrate
from tests.support.bot.albums import order_pair
from tests.support.bot.bot_process import ROOT
from tests.support.bot.stage import free_port, jpeg, plain


async def test_the_token_is_in_no_log_line_and_no_file(bot, sandbox, tmp_path):
    anna = sandbox.user(name="Anna")
    for method in ("sendMessage", "download", "getFile", "editMessageMedia", "setWebhook"):
        for kind in ("error", "drop", "gateway"):
            sandbox.faults.add(method, kind)
    data = jpeg(plain("green"))
    await order_pair(anna, [data, data])
    await anna.wait_for(lambda message: "Your photo" in message.text, timeout=60)
    sandbox.push_update({"message": {"no": "message"}})
    await anna.text("/start")
    await anna.wait_for(lambda message: "Hello" in message.text)
    secret = sandbox.webhook_secret
    assert await bot.terminate() == 0
    assert "POST" in bot.log or "failed" in bot.log
    assert sandbox.token not in bot.log
    assert secret not in bot.log
    key = sandbox.token.partition(":")[2].encode()
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if key in path.read_bytes()]


async def test_a_second_bot_with_the_same_state_is_refused_in_a_sentence(bot, tmp_path):
    second = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        cwd=str(ROOT),
        env={
            **os.environ,
            "BOT_TOKEN": "1:abc",
            "API_URL": "http://127.0.0.1:9",
            "MODE": "polling",
            "STATE_DIR": str(tmp_path / "state"),
            "PORT": str(free_port()),
        },
        stderr=subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(second.communicate(), 60)
    assert second.returncode == 1
    assert b"Another bot works in" in said
    assert b"Traceback" not in said


def test_a_missing_token_is_named():
    environment = {name: value for name, value in os.environ.items() if name != "BOT_TOKEN"}
    done = subprocess.run(
        [sys.executable, "-m", "bot"],
        cwd=str(ROOT),
        env={**environment, "BOT_TOKEN": ""},
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert b"BOT_TOKEN" in done.stderr
    assert b"BotFather" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("mode", ["webhook", "polling"])
async def test_a_token_that_telegram_does_not_know_ends_the_bot_with_one_sentence(
    sandbox, tmp_path, mode
):
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        cwd=str(ROOT),
        env={
            **os.environ,
            "BOT_TOKEN": "42:revoked",
            "API_URL": sandbox.url,
            "MODE": mode,
            "WEBHOOK_URL": f"http://127.0.0.1:{port}",
            "PORT": str(port),
            "STATE_DIR": str(tmp_path),
        },
        stderr=subprocess.PIPE,
    )
    _, log = await asyncio.wait_for(process.communicate(), 60)
    text = log.decode()
    assert process.returncode == 1
    assert text.splitlines()[-1].startswith(
        "error: Telegram does not know the token. Set BOT_TOKEN"
    )
    assert "Traceback" not in text and "revoked" not in text


async def test_chat_begins_and_ends_with_its_bot(tmp_path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "chat", "--port", str(free_port()), "--state", str(tmp_path),
        cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    assert b"Talk to the bot at http://127.0.0.1:" in line
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 60) == 0


def test_a_damaged_database_ends_the_start_with_one_sentence(tmp_path):
    """Not a bot that is ready, handles no update and ignores SIGTERM."""
    path = tmp_path / "jetbrush.sqlite3"
    connection = sqlite3.connect(str(path))
    connection.execute("PRAGMA page_size = 4096")
    connection.execute("BEGIN IMMEDIATE")
    migrate(connection, path)
    connection.execute("INSERT INTO key_values VALUES ('key', ?)", ("x" * 50_000,))
    connection.commit()
    connection.close()
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(bytes(5 * 4096))
    done = subprocess.run(
        [sys.executable, "-m", "bot"],
        check=False,
        cwd=str(ROOT),
        env={
            **os.environ,
            "BOT_TOKEN": "1:abc",
            "API_URL": "http://127.0.0.1:9",
            "MODE": "polling",
            "PORT": str(free_port()),
            "STATE_DIR": str(tmp_path),
        },
        stderr=subprocess.PIPE,
        timeout=60,
    )
    (line,) = [each for each in done.stderr.decode().splitlines() if "damaged" in each]
    assert done.returncode == 1 and f"{path} is damaged" in line
    assert "Traceback" not in done.stderr.decode()
