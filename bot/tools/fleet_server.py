"""`python -m bot fleet`: prepares the fleet's server; `scripts/fleet` calls it with the right folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import FleetError

if TYPE_CHECKING:
    from bot.painting.server.setup import Setup

#: Gigabytes: for about thirty painters.
_DISK = 8
#: The usual one of NATS.
_PORT = 4222


def add_parser(commands: Any) -> None:
    """Add the command to `python -m bot`."""
    parser = commands.add_parser("fleet", help="prepare the server of several painters")
    parser.add_argument(
        "--folder", type=Path, default=Path("fleet"), help="where the server's files are"
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    init = actions.add_parser(
        "init", help="make the server's configuration and the bot's credentials"
    )
    init.add_argument("address", help="where the other machines reach this one: a name or address")
    init.add_argument("--store", type=Path, help="folder of what the server keeps")
    init.add_argument("--disk", type=int, default=_DISK, metavar="GB", help="how much it may keep")
    init.add_argument("--port", type=int, default=_PORT, help="where it listens")
    init.set_defaults(act=_init)
    add = actions.add_parser("add", help="make the credentials of a painter")
    add.add_argument("name", metavar="NAME", help="such as nano-2")
    add.add_argument("-o", "--output", type=Path, help="the file to make: NAME.fleet")
    add.set_defaults(act=_add)
    remove = actions.add_parser("remove", help="take the credentials of a painter back")
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(act=_remove)
    actions.add_parser("list", help="show the painters").set_defaults(act=_list)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    # Imported here: `--help` does not need it.
    from bot.painting.server.setup import Setup

    try:
        args.act(Setup(args.folder.resolve()), args)
    except OSError as error:
        raise FleetError(f"{error.filename} cannot be written: {error.strerror}.") from error
    return 0


def _init(setup: Setup, args: argparse.Namespace) -> None:
    store = args.store or args.folder.resolve() / "jetstream"
    path = setup.init(args.address, store=store, disk=args.disk, port=args.port)
    print(f"The bot's credentials are in {path}.")


def _add(setup: Setup, args: argparse.Namespace) -> None:
    output = args.output or Path(f"{args.name}.fleet")
    setup.add(args.name, output)
    print(f"Copy {output} to the painter's machine; whoever has it can act as {args.name}.")


def _remove(setup: Setup, args: argparse.Namespace) -> None:
    setup.remove(args.name)
    print(f"{args.name} may no longer connect.")


def _list(setup: Setup, args: argparse.Namespace) -> None:
    print("\n".join(setup.painters))
