"""Containers with Jetbrush installed, for all tests that need a real systemd."""

from __future__ import annotations

import pytest
import pytest_asyncio

from bot.sandbox import Redelivery, Sandbox
from tests.support.bot.stage import free_port
from tests.support.systemd.container import CHECKOUT, Container, as_text, what_is_missing
from tests.support.systemd.installed import (
    BLOCKER,
    BOT,
    ENVIRONMENT,
    LONG_SECONDS,
    NGROK,
    PATIENT,
    SOON,
    drop_in,
    order,
    outside,
    shown,
    until,
)


@pytest.fixture(scope="session")
def ports():
    """Free ports on this machine, whose network the containers share."""
    return {name: free_port() for name in ("telegram", "bot", "agent", "nats")}


@pytest.fixture(scope="session")
def settings(ports):
    """What the owner has in the environment file before the installation."""
    return {
        "BOT_TOKEN": "42:a-token_of_nobody",
        "API_URL": f"http://127.0.0.1:{ports['telegram']}",
        "MODE": "webhook",
        "WEBHOOK_URL": f"http://127.0.0.1:{ports['bot']}",
        "PORT": ports["bot"],
        "ADMIN_IDS": "1001",
        "SIZE": 128,
        "STEPS": 5,
        "STOP_GRACE": 1,
    }


@pytest.fixture(scope="session")
def container(settings):
    """The bot's machine."""
    reason = what_is_missing()
    if reason:
        pytest.skip(reason)
    container = Container("bot")
    try:
        container.make()
        container.boot()
        container.write(ENVIRONMENT, as_text(settings), 0o640)
        # A umask such as sudo may keep.
        install = f"umask 077 && exec {CHECKOUT}/scripts/install --yes --no-weights"
        container.output("sh", "-c", install, timeout=2400)
        container.keep_packages()
        yield container
    finally:
        container.remove()


@pytest.fixture(scope="module")
def second(container):
    """Another machine."""
    second = Container("second")
    try:
        second.make()
        second.boot()
        yield second
    finally:
        second.remove()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(container, ports, settings):
    container.write("/srv/blocker/sitecustomize.py", BLOCKER)
    drop_in(container, BOT, PATIENT.format(LONG_SECONDS))
    drop_in(container, NGROK, SOON)
    soon = Redelivery(first=0.2, longest=1.0, timeout=60.0)
    token = settings["BOT_TOKEN"]
    async with Sandbox(token, ports["telegram"], redelivery=soon) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="module")
async def service(container, sandbox, settings):
    """The service, active."""
    active = await shown(container, "ActiveState") == "active"
    if not (active and sandbox.webhook.get("url", "").startswith(settings["WEBHOOK_URL"])):
        await outside(container.systemctl, "restart", "jetbrush.target")
        await until(lambda: sandbox.webhook.get("url"), container)
    yield container


@pytest_asyncio.fixture(loop_scope="module")
async def anna(service, sandbox):
    """A user whose next photos are repainted."""
    anna = sandbox.user(name="Anna")
    await order(anna)
    return anna
