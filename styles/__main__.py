"""Command line: paint the project's own styles, fetch the famous ones."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import List, Optional

from styles.fetch import FOLDER, fetch, report
from styles.tools import PAINTERS, SEED, paint

QUALITY = 90


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m styles", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    painting = commands.add_parser("paint", help="paint the bundled styles again")
    painting.add_argument("name", nargs="*", help="all of them if none is named")
    painting.add_argument("--size", type=int, default=1024, help="longer side in pixels")
    painting.add_argument("--seed", type=int, default=SEED)
    painting.add_argument("-o", "--output", type=Path, default=FOLDER, metavar="DIR")
    fetching = commands.add_parser("fetch", help="download the famous paintings that are missing")
    fetching.add_argument("name", nargs="*", help="all of them if none is named")
    fetching.add_argument("--base", metavar="URL", help="take them from another server")
    fetching.add_argument("--timeout", type=float, default=20.0, metavar="SECONDS")
    return parser


def _paint(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    unknown = sorted(set(options.name) - set(PAINTERS))
    if unknown:
        parser.error(f"no painter for {', '.join(unknown)}; there are: {', '.join(PAINTERS)}")
    if not 64 <= options.size <= 4096:
        parser.error(f"--size {options.size}: a size from 64 to 4096 is expected")
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.name or PAINTERS:
        path = options.output / f"{name}.jpg"
        picture = paint(name, options.size, options.seed)
        picture.save(path, quality=QUALITY, optimize=True, progressive=True)
        print(f"{path}: {picture.width} x {picture.height}, {path.stat().st_size // 1024} kB")


def main(arguments: Optional[List[str]] = None) -> int:
    """Run a command; being offline is no failure, so that `make styles` continues."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "paint":
        _paint(options, parser)
    else:
        print(report(fetch(FOLDER, options.name, options.base, options.timeout)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
