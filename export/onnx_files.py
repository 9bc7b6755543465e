"""`python -m export onnx`: writes the ONNX files of all installed weights into engines/."""

from __future__ import annotations

import argparse
from pathlib import Path

from export.gatys import write_features, write_gatys
from export.vgg import load_vgg19
from export.vgg_slice import WEIGHTS, slice_path
from runtime.spec import ENGINES, OBJECTIVES, POOLINGS


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `onnx`."""
    parser = subparsers.add_parser("onnx", help="write the graphs of the installed weights")
    parser.add_argument(
        "--pooling", choices=POOLINGS, default=POOLINGS[0], help="how VGG's blocks are joined"
    )
    parser.add_argument("-o", "--output", type=Path, default=ENGINES, help="the folder to write to")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the features and gatys graphs of each objective whose weights are there."""
    for objective in OBJECTIVES.values():
        if not slice_path(WEIGHTS, objective).exists():
            print(f"{objective.name}: no weights; `make weights` fetches them")
            continue
        convolutions = load_vgg19(objective)
        for write in (write_features, write_gatys):
            path = write(objective, args.pooling, convolutions, args.output)
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0
