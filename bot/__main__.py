"""`python -m bot` runs the bot; `python -m bot chat` tries it in a browser, without a token."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import List, Optional

from bot.errors import BotError
from bot.tools import chat_page, examples, fleet_painter, fleet_server, rehearsal
from runtime.exit_codes import run_command


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND")
    serve = commands.add_parser("serve", help="run the bot (the default)")
    for each in (parser, serve):
        each.set_defaults(run=_serve)
    for command in (chat_page, rehearsal, examples, fleet_painter, fleet_server):
        command.add_parser(commands)
    args = parser.parse_args(arguments)
    return run_command(lambda: args.run(args), reported=BotError)


def _serve(args: argparse.Namespace) -> int:
    # Imported here: `--help` does not need them.
    from bot.config import load_config
    from bot.log import set_up_logging
    from bot.process_privacy import keep_private

    keep_private()
    config = load_config(os.environ)
    formatter = set_up_logging(config.log_level, config.secrets, os.environ)
    # After the settings: a wrong one is reported at once.
    from bot.service.assembly import serve

    asyncio.run(serve(config, add_secret=formatter.add_secret))
    return 0


if __name__ == "__main__":
    sys.exit(main())
