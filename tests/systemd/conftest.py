"""One container with Jetbrush installed, for all tests that need a real systemd."""

from __future__ import annotations

import pytest

from tests.support.bot.stage import free_port
from tests.support.systemd.container import CHECKOUT, Container, as_text, what_is_missing


@pytest.fixture(scope="session")
def ports():
    """Free ports on this machine, whose network the container shares."""
    return {name: free_port() for name in ("telegram", "bot", "agent")}


@pytest.fixture(scope="session")
def settings(ports):
    """What the owner has in the environment file before the installation."""
    return {
        "BOT_TOKEN": "42:a-token_of_nobody",
        "API_URL": f"http://127.0.0.1:{ports['telegram']}",
        "MODE": "webhook",
        "WEBHOOK_URL": f"http://127.0.0.1:{ports['bot']}",
        "PORT": ports["bot"],
        "SIZE": 128,
        "STEPS": 5,
        "STOP_GRACE": 1,
    }


@pytest.fixture(scope="session")
def container(settings):
    reason = what_is_missing()
    if reason:
        pytest.skip(reason)
    container = Container("bot")
    try:
        container.make()
        container.boot()
        container.write("/etc/jetbrush/jetbrush.env", as_text(settings), 0o640)
        # A umask such as sudo may keep.
        install = f"umask 077 && exec {CHECKOUT}/scripts/install --yes --no-weights"
        container.output("sh", "-c", install, timeout=2400)
        yield container
    finally:
        container.remove()
