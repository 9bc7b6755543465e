"""`python -m bot.sandbox`: the sandbox alone, for a bot that you start by hand."""

from __future__ import annotations

import argparse
import asyncio
import sys

from bot.sandbox.server import TOKEN, Sandbox

PORT = 8081


async def _serve(sandbox: Sandbox) -> None:
    """Run until interrupted."""
    async with sandbox:
        print(f"The chat page is {sandbox.url}/")
        print(f"The bot's API server is {sandbox.url}, its token {sandbox.token}", flush=True)
        await asyncio.Event().wait()


def main() -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"{PORT} by default; 0 takes a free one"
    )
    parser.add_argument("--token", default=TOKEN, help="the token of the bot")
    options = parser.parse_args()
    try:
        asyncio.run(_serve(Sandbox(options.token, options.port)))
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(
            f"Cannot listen on port {options.port}: {error.strerror}. Choose another with --port.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
