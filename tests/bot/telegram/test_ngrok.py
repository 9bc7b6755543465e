"""The program as it is run, against a stand-in for the agent."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from tests.support.bot.stage import free_port

ROOT = Path(__file__).resolve().parent.parent.parent.parent
AGENT = ROOT / "tests" / "support" / "systemd" / "fake_ngrok.py"
TOKEN = "2abcDEF_secret-authtoken"


class Bootstrap:
    """A run of the program, with an agent that `say` governs."""

    def __init__(self, folder):
        self.folder = folder
        self.url_file = folder / "url"
        self._control = folder / "control.json"
        self._log = folder / "log"
        self._processes = []
        self.environment = {
            **os.environ,
            "NGROK_API": f"http://127.0.0.1:{free_port()}",
            "NGROK_AUTHTOKEN": TOKEN,
            "PORT": "8099",
            "FAKE_NGROK": str(self._control),
            "LOG_LEVEL": "DEBUG",
        }

    def say(self, **said):
        partial = self._control.with_suffix(".part")
        partial.write_text(json.dumps(said))
        partial.replace(self._control)

    async def start(self, *options, **environment):
        options = ("-m", "bot.telegram.ngrok", "--url-file", str(self.url_file), *options)
        return await self._run(options, environment)

    async def start_agent(self):
        config = self.folder / "agent.yml"
        address = self.environment["NGROK_API"].partition("//")[2]
        config.write_text(
            f"version: 3\nagent:\n  authtoken: x\n  web_addr: {address}\n"
            "endpoints:\n  - upstream:\n      url: http://127.0.0.1:8099\n"
        )
        return await self._run((str(AGENT), "start", "--all", "--config", str(config)), {})

    async def _run(self, arguments, environment):
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                cwd=str(ROOT),
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process

    @property
    def log(self):
        return self._log.read_text() if self._log.exists() else ""

    @property
    def url(self):
        return self.url_file.read_text() if self.url_file.exists() else None

    async def until(self, condition):
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, self.log
            await asyncio.sleep(0.05)

    async def close(self):
        for process in self._processes:
            if process.returncode is None:
                # Not killed: it ends its agent, which would live on without it.
                process.terminate()
                await asyncio.wait_for(process.wait(), 20)


@pytest.fixture()
async def bootstrap(tmp_path):
    bootstrap = Bootstrap(tmp_path)
    yield bootstrap
    await bootstrap.close()


async def test_runs_the_agent_and_follows_its_url(bootstrap):
    bootstrap.say(url="https://one.ngrok-free.app")
    process = await bootstrap.start("--agent", str(AGENT))
    await bootstrap.until(lambda: bootstrap.url == "https://one.ngrok-free.app\n")
    bootstrap.say(url="https://two.ngrok-free.app")
    await bootstrap.until(lambda: bootstrap.url == "https://two.ngrok-free.app\n")
    process.terminate()
    assert await process.wait() == 0


async def test_only_its_user_may_read_the_agent_s_authtoken(bootstrap):
    bootstrap.say(url="https://one.ngrok-free.app")
    await bootstrap.start("--agent", str(AGENT))
    await bootstrap.until(lambda: bootstrap.url)
    config = bootstrap.folder / "ngrok.yml"
    assert TOKEN in config.read_text() and stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(bootstrap.url_file.stat().st_mode) == 0o644
    assert TOKEN not in bootstrap.log


async def test_fixed_domain_is_what_the_agent_is_asked_to_hold(bootstrap):
    bootstrap.say()
    await bootstrap.start("--agent", str(AGENT), NGROK_DOMAIN="owl.ngrok-free.dev")
    await bootstrap.until(lambda: bootstrap.url == "https://owl.ngrok-free.dev\n")


async def test_ipv6_address_that_the_bot_listens_on(bootstrap):
    bootstrap.say(url="https://one.ngrok-free.app")
    await bootstrap.start("--agent", str(AGENT), HOST="::1")
    await bootstrap.until(lambda: bootstrap.url == "https://one.ngrok-free.app\n")
    assert "url: http://[::1]:8099\n" in (bootstrap.folder / "ngrok.yml").read_text()


async def test_agent_of_someone_else_that_comes_late(bootstrap):
    await bootstrap.start()
    bootstrap.say(url="https://late.ngrok-free.app")
    await bootstrap.start_agent()
    await bootstrap.until(lambda: bootstrap.url == "https://late.ngrok-free.app\n")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (108, "another ngrok agent runs"),
        (334, "already online"),
        (121, "too old"),
        (9040, "Set MODE=polling"),
    ],
)
async def test_agent_that_gives_up_is_put_into_words(bootstrap, code, words):
    bootstrap.say(end=f'lvl=eror msg="failed to start" err="ERR_NGROK_{code}"')
    process = await bootstrap.start("--agent", str(AGENT))
    assert await process.wait() == 1
    last = bootstrap.log.splitlines()[-1]
    assert last.startswith("error: The ngrok agent ended with code 1") and words in last
    assert bootstrap.url is None


@pytest.mark.parametrize(
    ("environment", "options", "words"),
    [
        ({"NGROK_AUTHTOKEN": ""}, ("--agent", str(AGENT)), "NGROK_AUTHTOKEN is not set"),
        ({"NGROK_AUTHTOKEN": "two words"}, ("--agent", str(AGENT)), "not an authtoken"),
        ({}, ("--agent", "/nowhere/ngrok"), "/nowhere/ngrok cannot be started"),
        ({"PORT": "many"}, (), "PORT is 'many'"),
    ],
)
async def test_what_cannot_work_is_refused_in_a_sentence(bootstrap, environment, options, words):
    process = await bootstrap.start(*options, **environment)
    assert await process.wait() == 1
    assert words in bootstrap.log and "Traceback" not in bootstrap.log
    assert "two words" not in bootstrap.log
