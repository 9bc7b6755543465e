"""`python -m bot chat`: the bot with a local Telegram server and a chat page in the browser."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Dict

from bot.errors import BotError

#: Seconds that the bot has to stop after Ctrl-C.
_STOP_SECONDS = 30.0


def add_parser(commands: Any) -> None:
    """Add the command to `python -m bot`."""
    parser = commands.add_parser("chat", help="try the bot in a browser, without a token")
    parser.add_argument("--port", type=int, default=8081, help="port of the chat page")
    parser.add_argument(
        "--state", type=Path, default=Path("state") / "chat", help="folder for the bot's state"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    asyncio.run(_chat(args.port, args.state))
    return 0


async def _chat(port: int, state: Path) -> None:
    # Imported here: `python -m bot` itself does not need it.
    from bot.sandbox import Sandbox

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        sandbox = await Sandbox(port=port).__aenter__()
    except OSError as error:
        raise BotError(
            f"Cannot listen on port {port}: {error.strerror}. Choose another with --port."
        ) from error
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", env=environment(sandbox.url, sandbox.token, state)
        )
        print(f"Talk to the bot at {sandbox.url}/ (Ctrl-C stops it).", flush=True)
        ended = asyncio.ensure_future(process.wait())
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait([ended, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not ended.done():
            process.terminate()
            await asyncio.wait([ended], timeout=_STOP_SECONDS)
        if not ended.done():
            process.kill()
            await ended
    finally:
        await sandbox.__aexit__(None, None, None)


def environment(api_url: str, token: str, state: Path) -> Dict[str, str]:
    """The environment of a bot that uses the sandbox at `api_url`, by web hook."""
    port = _free_port()
    return {
        **os.environ,
        "API_URL": api_url,
        "BOT_TOKEN": token,
        "BOT_TOKEN_FILE": "",
        "MODE": "webhook",
        "WEBHOOK_URL": f"http://127.0.0.1:{port}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "STATE_DIR": str(state),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
