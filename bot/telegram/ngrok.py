"""`scripts/ngrok-bootstrap`: starts the tunnel and writes its public URL to a file for the bot.

It runs the ngrok agent, or uses one that already runs, and asks the agent's local API for the https
URL that leads to PORT. It writes the file again when the URL changes, and logs what is wrong.
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
from pydantic import SecretStr

from bot.config import Config, load_config
from bot.errors import BotError, ConfigError, TunnelError
from bot.log import Problem, set_up_logging
from bot.systemd import SystemdNotifier
from bot.telegram.ngrok_errors import explain
from bot.telegram.tunnel import url_of_agent
from runtime.files import atomic_write

#: Seconds between two requests to the agent, before and after the first URL.
_STARTING_S, _PERIOD_S = 0.5, 3.0
#: Seconds without a tunnel after which that is a problem: an agent takes some to start.
_GRACE_S = 20.0
#: Seconds that the agent has to close its tunnel.
_STOP_S = 5.0

_AUTHTOKEN = re.compile(r"[A-Za-z0-9_-]{10,}")

_log = logging.getLogger(__name__)


def main(arguments: Optional[List[str]] = None) -> int:
    """Run until SIGTERM; returns the exit code, 1 after an error."""
    parser = argparse.ArgumentParser(prog="ngrok-bootstrap", description=__doc__)
    parser.add_argument("--url-file", type=Path, required=True, help="where to write the URL")
    parser.add_argument("--agent", metavar="NGROK", help="start this agent, with NGROK_AUTHTOKEN")
    args = parser.parse_args(arguments)
    authtoken = SecretStr(os.environ.get("NGROK_AUTHTOKEN", "").strip())
    try:
        # The tunnel does not need the bot's token, and its systemd unit removes it.
        config = load_config({**os.environ, "BOT_TOKEN": "0:none", "BOT_TOKEN_FILE": ""})
        secrets = [authtoken.get_secret_value()] if authtoken else []
        set_up_logging(config.log_level, secrets, os.environ)
        command = _command(args.agent, config, authtoken, args.url_file) if args.agent else None
        asyncio.run(
            _serve(config, args.url_file, command, SystemdNotifier.from_environment(os.environ))
        )
    except BotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def agent_config(config: Config, authtoken: SecretStr) -> str:
    """The agent's configuration as YAML, version 3 (ngrok.com/docs/agent/config/v3)."""
    url = f"    url: https://{config.ngrok_domain}\n" if config.ngrok_domain else ""
    return (
        "version: 3\n"
        "agent:\n"
        f"  authtoken: {authtoken.get_secret_value()}\n"
        f"  web_addr: {urlsplit(config.ngrok_api).netloc}\n"
        "  console_ui: false\n"
        "  inspect_db_size: -1\n"
        "endpoints:\n"
        "  - name: jetbrush\n"
        f"{url}"
        "    upstream:\n"
        f"      url: {config.local_url}\n"
    )


def _command(agent: str, config: Config, authtoken: SecretStr, url_file: Path) -> List[str]:
    """The command that starts the agent; writes its configuration beside `url_file`."""
    if not _AUTHTOKEN.fullmatch(authtoken.get_secret_value()):
        raise ConfigError(
            "NGROK_AUTHTOKEN is not set or not an authtoken (its value is not shown here). Copy it"
            " from dashboard.ngrok.com/get-started/your-authtoken into /etc/jetbrush/jetbrush.env,"
            " or set MODE=polling there, which needs no tunnel."
        )
    path = url_file.with_name("ngrok.yml")
    _write(path, agent_config(config, authtoken), mode=0o600)
    return [agent, "start", "--all", "--config", str(path), "--log", "stdout"]


async def _serve(
    config: Config, url_file: Path, command: Optional[List[str]], notifier: SystemdNotifier
) -> None:
    """Keep the URL file up to date until SIGTERM; raises `TunnelError` when the agent ends."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with aiohttp.ClientSession() as session:
        tasks = [
            asyncio.ensure_future(stop.wait()),
            asyncio.ensure_future(_UrlFile(config, url_file, session, notifier).run()),
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


class _UrlFile:
    """Writes the tunnel's URL whenever it changes, and reports what is wrong."""

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
        """Check the URL every few seconds until cancelled."""
        loop = asyncio.get_running_loop()
        last_success = loop.time()
        self._notifier.status("waiting for the ngrok agent")
        while True:
            try:
                # Even with NGROK_DOMAIN: only the agent knows whether the tunnel is online.
                api, port = self._config.ngrok_api, self._config.port
                self._update(await url_of_agent(api, port, self._session))
                last_success = loop.time()
                self._problem.report(None)
            except TunnelError as error:
                if loop.time() - last_success >= _GRACE_S:
                    self._problem.report(str(error))
                    self._notifier.status(str(error))
            await asyncio.sleep(_PERIOD_S if self._url else _STARTING_S)

    def _update(self, url: str) -> None:
        self._notifier.status(f"{url} leads to port {self._config.port}")
        if url == self._url:
            return
        _write(self._url_file, f"{url}\n", mode=0o644)
        self._url = url
        _log.info("The tunnel is up: %s leads to port %d.", url, self._config.port)
        if self._config.ngrok_domain and url != f"https://{self._config.ngrok_domain}":
            _log.warning(
                "NGROK_DOMAIN is %s, but the agent serves another address. Restart the agent.",
                self._config.ngrok_domain,
            )


async def _run_agent(command: List[str]) -> None:
    """Run the agent and log its output; raises `TunnelError` when it ends by itself."""
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
        advice = await _log_output(agent)
        code = await agent.wait()
    finally:
        await _stop(agent)
    raise TunnelError(
        f"The ngrok agent ended with code {code}. {advice or 'See its output above.'}"
    )


async def _log_output(agent: asyncio.subprocess.Process) -> Optional[str]:
    """Log the agent's output until it ends; returns the explanation of its last error code."""
    assert agent.stdout is not None
    advice = None
    async for line in agent.stdout:
        text = line.decode(errors="replace").rstrip()
        explanation = explain(text)
        advice = explanation or advice
        # Only for debugging: the agent reports each connection with the client's address.
        severe = explanation or re.search(r"lvl=(warn|eror|crit)|ERROR", text)
        _log.log(logging.WARNING if severe else logging.DEBUG, "agent: %s", text)
        if explanation:
            _log.warning("%s", explanation)
    return advice


async def _stop(agent: asyncio.subprocess.Process) -> None:
    if agent.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        agent.terminate()
    try:
        await asyncio.wait_for(agent.wait(), _STOP_S)
    except asyncio.TimeoutError:
        agent.kill()
        await agent.wait()


def _write(path: Path, text: str, *, mode: int) -> None:
    """Write a file atomically; even its temporary file has no more permissions than `mode`."""
    try:
        with atomic_write(path, mode=mode) as file:
            file.write(text.encode())
    except OSError as error:
        raise TunnelError(
            f"{path} cannot be written ({error.strerror}). Choose a folder that this program may"
            " write to."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
