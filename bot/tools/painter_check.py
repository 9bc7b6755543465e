"""`python -m bot painter --check`: whether this machine could paint for its bot, and what is missing."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from pathlib import Path
from typing import AsyncIterator, Iterator, List, Optional

from bot.errors import FleetError
from bot.painting.fleet.about import Machine
from bot.painting.fleet.connection import REQUEST
from bot.painting.fleet.credentials import validity
from bot.painting.fleet.endings import CANCELLED
from bot.painting.fleet.link import Link
from bot.painting.fleet.messages import Ended, encode
from bot.painting.fleet.subjects import from_painter
from bot.threads import on_thread
from runtime.imaging.limits import usable_memory
from runtime.machine import doctor
from runtime.machine.findings import MISSING, NOTE, OK, Finding, report

#: Seconds that the server has to accept the painter.
CONNECTING = 10.0
#: The findings without which the fleet has no such painter.
_FLEET = ("clock", "credentials", "server")
#: Credentials that end within so many days are mentioned.
_SOON_DAYS = 60


async def check(link: Link, engines: Path, credentials: Optional[Path]) -> int:
    """Print what works and what does not, as the doctor does; returns the exit code.

    `engines` is the folder of the graphs, `credentials` the painter's file, if it has one.
    """
    found: List[Finding] = []
    async for each in _findings(link, engines, credentials):
        print(report([each]), flush=True)
        found.append(each)
    fleet = any(each.state == MISSING and each.topic in _FLEET for each in found)
    return 1 if fleet or doctor.is_unusable(found) else 0


async def _findings(
    link: Link, engines: Path, credentials: Optional[Path]
) -> AsyncIterator[Finding]:
    yield Finding("painter", OK, link.user)
    if credentials is not None:
        for each in examine_credentials(credentials, datetime.now(timezone.utc)):
            yield each
    opening = asyncio.ensure_future(link.open())
    await asyncio.wait([opening], timeout=CONNECTING)
    if opening.done():
        opening.result()
        version = link.client.connected_server_version
        number = f"{version.major}.{version.minor}.{version.patch}"
        yield Finding("server", OK, f"nats-server {number} accepts it")
        yield await _bot(link)
        await link.close()
    else:
        opening.cancel()
        text = link.problem or "The server does not answer."
        advice = "Is jetbrush-nats running there, and is its port open?"
        yield Finding("server", MISSING, text, "" if link.problem else advice)
    about = await on_thread(Machine(engines).describe, None, None)
    memory = f"with {usable_memory() / 2**30:.1f} GB of memory"
    yield Finding("pictures", OK, f"up to {about.largest} pixels at once, {memory}")
    for each in await on_thread(lambda: list(doctor.examine(engines))):
        yield each


def examine_credentials(path: Path, now: datetime) -> Iterator[Finding]:
    """Whether the file of credentials `path` is valid at the time `now`, and the clock sensible."""
    begin, end = validity(path)
    if now < begin:
        text = f"it is {now:%Y-%m-%d %H:%M} UTC here, before the credentials were made"
        yield Finding("clock", MISSING, text, "Set it: sudo timedatectl set-ntp true")
        return
    yield Finding("clock", OK, f"{now:%Y-%m-%d %H:%M} UTC")
    advice = "On the bot's machine: sudo scripts/fleet add NAME, with a new name."
    days = (end - now).days
    text = f"valid until {end:%Y-%m-%d}"
    if days < 0:
        yield Finding("credentials", MISSING, text, advice)
    elif days < _SOON_DAYS:
        yield Finding("credentials", NOTE, text, advice)
    else:
        yield Finding("credentials", OK, text)


async def _bot(link: Link) -> Finding:
    """Whether the bot answers: as it does to the end of a job that it does not know."""
    # Not a hello, by which the bot would take the painter for one that has started again.
    unknown = encode(Ended("check", CANCELLED))
    try:
        await link.attempt(link.client.request(from_painter(link.user), unknown, timeout=REQUEST))
    except FleetError:
        advice = "On its machine: systemctl status jetbrush. Painters wait for it."
        return Finding("bot", NOTE, "The bot does not answer.", advice)
    return Finding("bot", OK, "The bot answers.")
