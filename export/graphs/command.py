"""`python -m export onnx`: writes the ONNX files of all installed weights into engines/."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import List

from export.errors import CheckpointError
from export.graphs.gatys import write_features, write_gatys
from export.graphs.generator import write_generator
from export.sources.catalogue import CATALOGUE, GENERATOR
from export.sources.vgg_sets import DEFAULT_SET, SETS, check_installed, load_set, objectives_of
from export.sources.vgg_slice import WEIGHTS
from runtime.spec.engines import ENGINES
from runtime.spec.graphs import features_graph, gatys_graph
from runtime.spec.vgg import OBJECTIVES, POOLINGS, Objective


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `onnx`."""
    parser = subparsers.add_parser("onnx", help="write the graphs of the installed weights")
    parser.add_argument(
        "--pooling", choices=POOLINGS, default=POOLINGS[0], help="how VGG's blocks are joined"
    )
    add_vgg(parser)
    parser.add_argument("-o", "--output", type=Path, default=ENGINES, help="the folder to write to")
    parser.set_defaults(run=run)


def add_vgg(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the set of VGG-19 weights."""
    parser.add_argument(
        "--vgg", choices=SETS, default=DEFAULT_SET, help="VGG-19's weights (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the graphs of each objective and each generator whose weights are there; 1 if one is bad.

    Raises `WeightsMissing` for a set of VGG-19 that was asked for and is not there.
    """
    check_installed(args.vgg, WEIGHTS)
    there = objectives_of(args.vgg, WEIGHTS)
    for objective in OBJECTIVES.values():
        if objective in there:
            convolutions = load_set(args.vgg, objective.layers, WEIGHTS)
            for write in (write_features, write_gatys):
                _report(write(objective, args.pooling, convolutions, args.output))
        elif args.vgg == DEFAULT_SET:
            print(f"{objective.name}: no weights; `make weights` fetches them")
        else:
            _remove(objective, args.vgg, args.output)
    # One bad checkpoint keeps no other from being written.
    written = [_write_generator(path, args.output) for path in _generator_checkpoints()]
    return 0 if all(written) else 1


def _remove(objective: Objective, vgg: str, folder: Path) -> None:
    """Remove the graphs of an objective that a set has no layers for.

    Painting takes the deep objective where its graphs are: they would go before those asked for.
    """
    graphs = [
        describe(objective, pooling)
        for pooling in POOLINGS
        for describe in (features_graph, gatys_graph)
    ]
    there = [path for path in (folder / each.onnx_file for each in graphs) if path.exists()]
    for path in there:
        path.unlink()
    removed = "; the graphs of other weights were removed" if there else ""
    print(f"{objective.name}: {vgg} lacks the layers for it{removed}")


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
