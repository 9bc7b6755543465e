"""`python -m export onnx`: writes the ONNX files of all installed weights into engines/."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import List

from export.catalogue import CATALOGUE, GENERATOR
from export.errors import CheckpointError
from export.gatys import write_features, write_gatys
from export.generator import write_generator
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
    """Write the graphs of each objective and each generator whose weights are there; 1 if one is bad."""
    for objective in OBJECTIVES.values():
        if not slice_path(WEIGHTS, objective).exists():
            print(f"{objective.name}: no weights; `make weights` fetches them")
            continue
        convolutions = load_vgg19(objective)
        for write in (write_features, write_gatys):
            _report(write(objective, args.pooling, convolutions, args.output))
    # One bad checkpoint keeps no other from being written.
    written = [_write_generator(path, args.output) for path in _generator_checkpoints()]
    return 0 if all(written) else 1


def _generator_checkpoints() -> List[Path]:
    """The checkpoints in the weights folder, the owner's own too, but for those of VGG-19."""
    others = {each.file_name for each in CATALOGUE.values() if each.loader != GENERATOR}
    return [path for path in sorted(WEIGHTS.glob("*.pth")) if path.name not in others]


def _write_generator(checkpoint: Path, folder: Path) -> bool:
    try:
        _report(write_generator(checkpoint.stem, checkpoint, folder))
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return False
    return True


def _report(path: Path) -> None:
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
