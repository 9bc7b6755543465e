"""`python -m export compare-vgg`: repaints one photo with every installed set of VGG-19 weights."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List

from PIL import Image

from export.errors import ExportError, WeightsMissing
from export.graphs.gatys import write_graphs
from export.sources.catalogue import WEIGHTS
from export.sources.vgg_sets import installed_sets, load_set
from runtime.imaging.reading import read_picture
from runtime.imaging.writing import check_writable, write_picture
from runtime.sheets import Panel, sheet, sheet_size
from runtime.spec.vgg import POOLINGS, Objective


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `compare-vgg`."""
    parser = subparsers.add_parser(
        "compare-vgg",
        help="repaint a photo with every installed set of VGG-19 weights, side by side",
        description="Repaints a photo with every installed set of VGG-19 weights, once for each "
        "objective whose layers the set has, and writes the paintings side by side.",
    )
    add = parser.add_argument
    add("photo", metavar="PHOTO", type=Path, help="the photo to repaint")
    add("style", metavar="STYLE", help="a picture file, or the name of a style in styles/")
    add("-o", "--output", metavar="OUT", type=Path, required=True, help="the file to write")
    add("--size", type=int, default=384, help="longer side in pixels (default: %(default)s)")
    add("--steps", type=int, help="steps, at most (default: as in `python -m runtime stylize`)")
    add("--strength", type=float, help="0 is gentle, 1 is strong (default: likewise)")
    add(
        "--weights",
        type=Path,
        default=WEIGHTS,
        metavar="DIR",
        help="the weights folder (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Repaint the photo with every set and write the sheet of paintings."""
    photo = read_picture(args.photo)
    photo.thumbnail((args.size, args.size), Image.Resampling.LANCZOS)
    sets = [
        (name, objective)
        for name, objectives in installed_sets(args.weights).items()
        for objective in objectives
    ]
    if not sets:
        raise WeightsMissing(
            f"{args.weights} has no weights of VGG-19; `make weights` downloads them."
        )
    check_writable(args.output, sheet_size(photo.size, 1 + len(sets)))
    panels: List[Panel] = [("photo", photo)]
    for number, (name, objective) in enumerate(sets, 1):
        print(f"[{number}/{len(sets)}] {name}, {objective.name}", flush=True)
        panels.append((f"{name}, {objective.name}", _paint(args, photo, name, objective)))
    write_picture(sheet(panels), args.output)
    print(f"{args.output}: {len(sets)} paintings")
    return 0


def _paint(
    args: argparse.Namespace, photo: Image.Image, name: str, objective: Objective
) -> Image.Image:
    """Paint in a separate process, which returns its memory when it exits."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        convolutions = load_set(name, objective.layers, args.weights)
        write_graphs(objective, POOLINGS[0], convolutions, folder, name)
        source, painting = folder / "photo.png", folder / "painting.png"
        write_picture(photo, source)
        command = [sys.executable, "-m", "runtime", "stylize", str(source), args.style]
        command += ["-o", str(painting), "--engines", str(folder), "--objective", objective.name]
        command += ["--weights", name, "--size", str(args.size)]
        for option in ("steps", "strength"):
            if getattr(args, option) is not None:
                command += [f"--{option}", str(getattr(args, option))]
        # Its standard error goes to the terminal: the progress bar, or the reason for a failure.
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise ExportError(
                f"the painting with {name} and the {objective.name} objective failed; the reason is "
                "above."
            )
        return read_picture(painting)
