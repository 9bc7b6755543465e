"""`python -m bot.sandbox`, and what the package may import."""

from __future__ import annotations

import ast
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import aiohttp

from bot.sandbox import Sandbox
from tests.support.ipv6 import free_ipv6_port

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "bot.sandbox", "--port"]


def test_it_serves_until_it_is_interrupted():
    process = subprocess.Popen([*COMMAND, "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(address, timeout=10) as page:
            assert b"<title>Jetbrush</title>" in page.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_taken_port_is_reported_in_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, port], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Cannot listen on port {port}: ")


async def test_ipv6_address():
    port = free_ipv6_port()
    async with Sandbox(host="::1", port=port) as sandbox, aiohttp.ClientSession() as session:
        assert sandbox.url == f"http://[::1]:{port}"
        async with session.get(f"{sandbox.url}/bot{sandbox.token}/getMe") as answer:
            assert (await answer.json())["result"]["is_bot"]


def test_the_sandbox_imports_nothing_of_the_bot():
    for path in (ROOT / "bot" / "sandbox").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            for name in names:
                assert name.split(".")[0] not in ("aiogram", "runtime", "export"), path
                assert name.split(".")[0] != "bot" or name.startswith("bot.sandbox"), path
