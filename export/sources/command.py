"""`python -m export weights`: fetches weights with a progress bar, and prints the report."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any, Optional

from export.sources.catalogue import CATALOGUE, DEFAULT, Entry
from export.sources.fetch import fetch


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register `python -m export weights`."""
    parser = subparsers.add_parser(
        "weights",
        help="fetch published weights",
        description="Fetches published weights into export/weights, checks them and reports. "
        "The exit code is 1 if any of them could not be had.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which (default: {' '.join(DEFAULT)})"
    )
    parser.add_argument("--list", action="store_true", help="list all that are known, and stop")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Fetch the weights that the command line names; returns 1 if any could not be had."""
    if args.list:
        for each in CATALOGUE.values():
            print(
                f"{each.name}: {each.what}\n    licence: {each.licence}\n    cite: {each.citation}"
            )
        return 0
    with contextlib.closing(_Bars()) as bars:
        report = fetch(args.names or DEFAULT, on_progress=bars.show)
    print(report)
    return 1 if report.missing else 0


class _Bars:
    """A progress bar for each set of weights, one after the other."""

    def __init__(self) -> None:
        self._name = ""
        self._bar: Any = None

    def show(self, entry: Entry, done: int, total: Optional[int]) -> None:
        """Move the bar of `entry` to `done` bytes."""
        from tqdm import tqdm

        if self._bar is None or entry.name != self._name:
            self.close()
            self._name = entry.name
            self._bar = tqdm(desc=entry.name, unit="B", unit_scale=True)
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Let the terminal go on below the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
