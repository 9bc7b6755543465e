"""`python -m bot painter`: paints for the bot on another machine, without its token or database."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Sequence

from bot.config import PainterConfig, load_settings
from bot.errors import ConfigError
from bot.log import set_up_logging
from bot.painting.client import PainterClient, painter_command
from bot.process_privacy import keep_private
from bot.systemd import SystemdNotifier
from runtime.spec.folder import DEFAULT_ENGINES

if TYPE_CHECKING:
    from bot.painting.fleet.link import Link
    from bot.painting.fleet.painter import FleetPainter


def add_parser(commands: Any) -> None:
    """Add the command to `python -m bot`."""
    parser = commands.add_parser(
        "painter", help="paint for a bot on another machine (docs/fleet.md)"
    )
    parser.add_argument("--name", help="the painter's name, without credentials: this machine's")
    parser.add_argument("--engines", type=Path, metavar="DIR", help="the folder of the graphs")
    parser.add_argument(
        "--check", action="store_true", help="only see whether it could paint, and say so"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    keep_private()
    config = load_settings(PainterConfig, os.environ)
    # A check prints itself what is wrong.
    set_up_logging("CRITICAL" if args.check else config.log_level, (), os.environ)
    link = painter_link(config, args.name)
    engines = args.engines or DEFAULT_ENGINES
    if args.check:
        from bot.tools.painter_check import check

        return asyncio.run(check(link, engines, config.nats_credentials))
    asyncio.run(paint(config, link, engines, painter_command(engines)))
    return 0


def painter_link(config: PainterConfig, name: Optional[str]) -> Link:
    """The connection of a painter; raises `ConfigError` for settings that lead nowhere."""
    # Imported here, as in the rest of this module: a bot without a fleet does not need it.
    from bot.painting.fleet.credentials import read_credentials
    from bot.painting.fleet.link import Link
    from bot.painting.fleet.subjects import is_name

    if config.nats_credentials is None:
        if config.nats_url is None:
            raise ConfigError(
                "NATS_CREDENTIALS is not set. Expected the file that `scripts/fleet add` made for"
                " this machine; docs/fleet.md shows how."
            )
        name = name or re.sub(r"[^a-z0-9]+", "-", socket.gethostname().lower()).strip("-")[:32]
        if not is_name(name):
            raise ConfigError(f"{name!r} is no painter's name; expected letters, digits and -.")
        return Link(config.nats_url, name)
    found = read_credentials(config.nats_credentials)
    return Link(config.nats_url or found.url, found.user, config.nats_credentials)


async def paint(config: PainterConfig, link: Link, engines: Path, command: Sequence[str]) -> None:
    """Paint until SIGTERM or SIGINT; `command` is that of the child process."""
    from bot.painting.fleet.about import Machine
    from bot.painting.fleet.painter import FleetPainter

    notifier = SystemdNotifier.from_environment(os.environ)
    client = PainterClient(command, patience=config.patience)
    painter = FleetPainter(link, client, Machine(engines), config.backend)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    async def describe() -> str:
        return painter.describe()

    tasks = [
        asyncio.ensure_future(each)
        for each in (
            _start_and_run(client, painter, notifier),
            stop.wait(),
            notifier.keep_alive(),
            notifier.keep_status(describe),
        )
    ]
    try:
        await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        notifier.stopping(10)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await client.close()


async def _start_and_run(
    client: PainterClient, painter: FleetPainter, notifier: SystemdNotifier
) -> None:
    # First: a painter says what it paints with, and its first job need not wait.
    await client.start()
    notifier.ready()
    await painter.run()
