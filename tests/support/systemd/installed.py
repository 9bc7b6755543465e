"""What the tests of the installed services share: names, patience, and looks into a container."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PHOTO = ROOT / "docs" / "pictures" / "cat.jpg"
BOT, NGROK, ENGINES, NATS, PAINTER = (
    f"jetbrush{each}.service" for each in ("", "-ngrok", "-engines", "-nats", "-painter")
)
ENVIRONMENT = "/etc/jetbrush/jetbrush.env"
#: Bounds on a hang, not on the machine's speed: it may do much else meanwhile.
RESULT_SECONDS = STATE_SECONDS = 1500

#: Blocks the event loop at SIGUSR2, as a mistake in a handler would.
BLOCKER = """
import signal, time
signal.signal(signal.SIGUSR2, lambda number, frame: time.sleep(3600))
"""
SOON = "[Service]\nRestartSec=1\n"
#: A slow machine is no hang; one test makes the watchdog impatient.
PATIENT = (
    "[Service]\nWatchdogSec={}\nTimeoutStartSec=1500\nTimeoutStopSec=1500\nRestartSec=1\n"
    "Environment=PYTHONPATH=/srv/blocker\n"
)
WATCHDOG_SECONDS, LONG_SECONDS = 15, 1500


def drop_in(container, unit, text):
    """Change a unit's settings; /run is the container's own, hidden from outside."""
    container.run("mkdir", "-p", f"/run/systemd/system/{unit}.d")
    container.run("sh", "-c", f"printf '{text}' > /run/systemd/system/{unit}.d/test.conf")
    container.systemctl("daemon-reload")


async def outside(function, *arguments, **options):
    """Run a command in the container while the sandbox goes on answering."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, lambda: function(*arguments, **options))


async def until(condition, container, seconds=STATE_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, await outside(container.journal, "jetbrush*")
        await asyncio.sleep(0.1)


async def shown(container, name, unit=BOT):
    return await outside(container.shown, unit, name)


async def is_shown(container, name, expected, unit=BOT, seconds=STATE_SECONDS):
    deadline = time.monotonic() + seconds
    while expected not in (text := await shown(container, name, unit)):
        assert time.monotonic() < deadline, (text, await outside(container.journal, unit))
        await asyncio.sleep(0.2)


async def signal_painter(container, name, unit=BOT):
    """Send a signal to the child process that paints."""
    main = await shown(container, "MainPID", unit)
    children = await outside(container.output, "cat", f"/proc/{main}/task/{main}/children")
    await outside(container.output, "sh", "-c", f"kill -{name} {children}")


async def order(user):
    """Let the user choose a style: the next photos are repainted."""
    asked = await user.text("/styles")
    gallery = await user.wait_for(
        lambda message: message.buttons, after=asked, timeout=STATE_SECONDS
    )
    await user.press(gallery, "1")
    await user.wait_for(
        lambda message: "Now send" in message.text, after=gallery, timeout=STATE_SECONDS
    )
