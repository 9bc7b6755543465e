"""`scripts/ngrok-bootstrap`: brings the tunnel up and writes its URL where the bot reads it.

It runs the ngrok agent, or finds the one that already runs, asks its local API for the https URL
that leads to PORT, and says in words what is wrong. A URL that changes is written anew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import re
import signal
import sys
from pathlib import Path
from typing import List, Optional
from urllib.parse import urlsplit

import aiohttp

from bot.config import Config, load_config
from bot.errors import BotError, ConfigError, TunnelError
from bot.log import Problem, set_up_logging
from bot.systemd import SystemdNotifier
from bot.telegram.tunnel import explained, url_of_agent

#: Seconds between two looks at the agent, and those it may take to come up before that is told.
_PERIOD, _PATIENCE = 3.0, 20.0
#: Seconds that the agent has to close its tunnel.
_PARTING = 5.0

_AUTHTOKEN = re.compile(r"[A-Za-z0-9_-]{10,}")

_log = logging.getLogger(__name__)


def main(arguments: Optional[List[str]] = None) -> int:
    """Run until SIGTERM; returns the exit code: 1 after an error told in a sentence."""
    parser = argparse.ArgumentParser(prog="ngrok-bootstrap", description=__doc__)
    parser.add_argument("--url-file", type=Path, required=True, help="where to write the URL")
    parser.add_argument("--agent", metavar="NGROK", help="run this agent, with NGROK_AUTHTOKEN")
    args = parser.parse_args(arguments)
    token = os.environ.get("NGROK_AUTHTOKEN", "").strip()
    try:
        # The tunnel has no use for the bot's token, and its unit keeps it away.
        config = load_config({**os.environ, "BOT_TOKEN": "0:none", "BOT_TOKEN_FILE": ""})
        set_up_logging(config.log_level, [token] if token else [], os.environ)
        command = _command(args.agent, config, token, args.url_file) if args.agent else None
        asyncio.run(
            _serve(config, args.url_file, command, SystemdNotifier.from_environment(os.environ))
        )
    except BotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def agent_config(config: Config, authtoken: str) -> str:
    """The agent's configuration, version 3 (ngrok.com/docs/agent/config/v3)."""
    url = f"    url: https://{config.ngrok_domain}\n" if config.ngrok_domain else ""
    return (
        "version: 3\n"
        "agent:\n"
        f"  authtoken: {authtoken}\n"
        f"  web_addr: {urlsplit(config.ngrok_api).netloc}\n"
        "  console_ui: false\n"
        "  inspect_db_size: -1\n"
        "endpoints:\n"
        "  - name: jetbrush\n"
        f"{url}"
        "    upstream:\n"
        f"      url: {config.local_url}\n"
    )


def _command(agent: str, config: Config, authtoken: str, url_file: Path) -> List[str]:
    """How the agent is started; its configuration lies beside `url_file`."""
    if not _AUTHTOKEN.fullmatch(authtoken):
        raise ConfigError(
            "NGROK_AUTHTOKEN is not set or is no authtoken (its value is not shown here). Copy it"
            " from dashboard.ngrok.com/get-started/your-authtoken into /etc/jetbrush/jetbrush.env,"
            " or set MODE=polling there, which needs no tunnel."
        )
    path = url_file.with_name("ngrok.yml")
    _write(path, agent_config(config, authtoken), mode=0o600)
    return [agent, "start", "--all", "--config", str(path), "--log", "stdout"]


async def _serve(
    config: Config, url_file: Path, command: Optional[List[str]], notifier: SystemdNotifier
) -> None:
    """Follow the tunnel until SIGTERM; raises `TunnelError` when the agent ends."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with aiohttp.ClientSession() as session:
        tasks = [
            asyncio.ensure_future(stop.wait()),
            asyncio.ensure_future(_Follower(config, url_file, session, notifier).run()),
        ]
        if command is not None:
            tasks.append(asyncio.ensure_future(_run_agent(command)))
        notifier.ready()
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


class _Follower:
    """Writes the tunnel's URL when it is another than before, and tells what is wrong."""

    def __init__(
        self,
        config: Config,
        url_file: Path,
        session: aiohttp.ClientSession,
        notifier: SystemdNotifier,
    ) -> None:
        self._config = config
        self._url_file = url_file
        self._session = session
        self._notifier = notifier
        self._problem = Problem(_log)
        self._url: Optional[str] = None

    async def run(self) -> None:
        """Look every few seconds until cancelled."""
        loop = asyncio.get_running_loop()
        well = loop.time()
        self._notifier.status("waiting for the ngrok agent")
        while True:
            try:
                # Not NGROK_DOMAIN: the agent alone knows what is online.
                api, port = self._config.ngrok_api, self._config.port
                self._take(await url_of_agent(api, port, self._session))
                well = loop.time()
                self._problem.tell(None)
            except TunnelError as error:
                if loop.time() - well >= _PATIENCE:
                    self._problem.tell(str(error))
                    self._notifier.status(str(error))
            await asyncio.sleep(_PERIOD)

    def _take(self, url: str) -> None:
        self._notifier.status(f"{url} leads to port {self._config.port}")
        if url == self._url:
            return
        _write(self._url_file, f"{url}\n", mode=0o644)
        self._url = url
        _log.info("The tunnel is up: %s leads to port %d.", url, self._config.port)
        if self._config.ngrok_domain and url != f"https://{self._config.ngrok_domain}":
            _log.warning(
                "NGROK_DOMAIN is %s, but the agent has another address. Restart the agent.",
                self._config.ngrok_domain,
            )


async def _run_agent(command: List[str]) -> None:
    """Run the agent and pass on what it says; raises `TunnelError` when it ends by itself."""
    try:
        agent = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        raise TunnelError(
            f"{command[0]} cannot be started ({error.strerror}). Install ngrok as"
            " ngrok.com/download says, or set MODE=polling, which needs no tunnel."
        ) from error
    try:
        advice = await _pass_on(agent)
        code = await agent.wait()
    finally:
        await _end(agent)
    raise TunnelError(f"The ngrok agent ended with code {code}. {advice or 'See its lines above.'}")


async def _pass_on(agent: asyncio.subprocess.Process) -> Optional[str]:
    """Log what the agent says until it ends; returns the last known error in words."""
    assert agent.stdout is not None
    advice = None
    async for line in agent.stdout:
        text = line.decode(errors="replace").rstrip()
        found = explained(text)
        advice = found or advice
        # The agent tells of each connection, with the addresses of who connects.
        alarming = found or re.search(r"lvl=(warn|eror|crit)|ERROR", text)
        _log.log(logging.WARNING if alarming else logging.DEBUG, "agent: %s", text)
        if found:
            _log.warning("%s", found)
    return advice


async def _end(agent: asyncio.subprocess.Process) -> None:
    if agent.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        agent.terminate()
    try:
        await asyncio.wait_for(agent.wait(), _PARTING)
    except asyncio.TimeoutError:
        agent.kill()
        await agent.wait()


def _write(path: Path, text: str, *, mode: int) -> None:
    """Write a file whole or not at all, never readable by more than `mode` says."""
    partial = path.with_name(path.name + ".part")
    try:
        if partial.exists():
            partial.unlink()
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        partial.chmod(mode)
        partial.replace(path)
    except OSError as error:
        raise TunnelError(
            f"{path} cannot be written ({error.strerror}); give this program a folder of its own."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
