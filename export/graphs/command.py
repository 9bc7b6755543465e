"""`python -m export onnx`: writes the ONNX files of all installed weights into engines/."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Callable, List, Mapping, Sequence

from export.errors import CheckpointError
from export.graphs.faces import write_faces
from export.graphs.gatys import write_graphs
from export.graphs.generator import write_generator
from export.graphs.old_names import remove_old_names
from export.graphs.sketch import write_sketch
from export.sources.catalogue import CATALOGUE, FACES, GENERATOR, SKETCH, WEIGHTS
from export.sources.vgg_sets import check_installed, load_set, objectives_of
from runtime.spec.folder import DEFAULT_ENGINES, record_weights
from runtime.spec.vgg import OBJECTIVES, POOLINGS, VGG19, WEIGHT_SETS

#: What writes the graphs of the other weights, by the name of these.
_WRITERS: Mapping[str, Callable[[Path, Path], Sequence[Path]]] = {
    FACES: lambda path, folder: (write_faces(path, folder),),
    SKETCH: write_sketch,
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `onnx`."""
    parser = subparsers.add_parser("onnx", help="write the graphs of the installed weights")
    parser.add_argument(
        "--pooling", choices=POOLINGS, default=POOLINGS[0], help="the pooling of VGG-19"
    )
    add_vgg(parser)
    parser.add_argument(
        "-o", "--output", type=Path, default=DEFAULT_ENGINES, help="the folder to write to"
    )
    parser.set_defaults(run=run)


def add_vgg(parser: argparse.ArgumentParser, default: str = VGG19, meaning: str = VGG19) -> None:
    """Add the option that names the set of VGG-19 weights; `meaning` is that of the default."""
    parser.add_argument(
        "--vgg",
        choices=WEIGHT_SETS,
        default=default,
        help="VGG-19's weights, with which the bot and `python -m runtime` paint from now on "
        f"(default: {meaning})",
    )


def run(args: argparse.Namespace) -> int:
    """Write all graphs whose weights are installed; returns 1 if a checkpoint is damaged.

    Graphs of other weight sets stay. Raises `WeightsMissing` if the set `--vgg` is not installed.
    """
    check_installed(args.vgg, WEIGHTS)
    there = objectives_of(args.vgg, WEIGHTS)
    for objective in OBJECTIVES.values():
        if objective in there:
            convolutions = load_set(args.vgg, objective.layers, WEIGHTS)
            for path in write_graphs(objective, args.pooling, convolutions, args.output, args.vgg):
                _report(path)
        elif args.vgg == VGG19:
            print(f"{objective.name}: no weights; `make weights` fetches them")
        else:
            print(f"{objective.name}: {args.vgg} lacks the layers for it")
    record_weights(args.output, args.vgg)
    remove_old_names(args.output)
    for path in _passed_over():
        print(
            f"{path} is passed over: a generator's file ends in .pth. "
            f"If it is one, rename it to {path.stem}.pth.",
            file=sys.stderr,
        )
    # The others are written even if one is damaged.
    written = [
        _written(partial(_generator, path, args.output)) for path in _generator_checkpoints()
    ]
    for name, write in _WRITERS.items():
        path = WEIGHTS / CATALOGUE[name].file_name
        if path.exists():
            written.append(_written(partial(write, path, args.output)))
        else:
            print(f"{name}: no weights; `make weights WEIGHTS={name}` fetches them")
    return 0 if all(written) else 1


def _generator_checkpoints() -> List[Path]:
    """The generators in the weights folder, the owner's own included."""
    others = {each.file_name for each in CATALOGUE.values() if each.loader != GENERATOR}
    return [path for path in sorted(WEIGHTS.glob("*.pth")) if path.name not in others]


def _generator(path: Path, folder: Path) -> Sequence[Path]:
    return (write_generator(path.stem, path, folder),)


def _passed_over() -> List[Path]:
    """The files in the weights folder that have another usual suffix of checkpoints."""
    usual = (".pt", ".pth")
    return [
        path
        for path in sorted(WEIGHTS.glob("*"))
        if path.suffix.lower() in usual and path.suffix != ".pth"
    ]


def _written(write: Callable[[], Sequence[Path]]) -> bool:
    """Whether `write` could write its graphs from a checkpoint; the files or the error are printed."""
    try:
        for path in write():
            _report(path)
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return False
    return True


def _report(path: Path) -> None:
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
