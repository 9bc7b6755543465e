"""The commands of `python -m runtime` and their options."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import List, Optional, Union

from PIL import Image

from runtime.backends.kept import KeptGraphs
from runtime.catalog.styles import installed_styles
from runtime.cli import video_command
from runtime.cli.batch import paint_all
from runtime.cli.parsing import (
    add_engines,
    add_sketching,
    add_style,
    photos_and_styles,
    sketching_options,
)
from runtime.cli.tasks import tasks_for
from runtime.errors import OptionError
from runtime.exit_codes import run_command
from runtime.imaging.reading import read_picture
from runtime.machine import doctor
from runtime.options import (
    BACKEND_CHOICES,
    BRUSHES,
    FACES,
    OBJECTIVE_CHOICES,
    WEIGHT_CHOICES,
    SketchOptions,
    StylizeOptions,
    TranslateOptions,
)
from runtime.progress import OnProgress
from runtime.spec.vgg import POOLINGS


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command; returns its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    args = _parser().parse_args(arguments)
    return run_command(lambda: args.run(args), interrupted="interrupted; nothing was written")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runtime", description="Repaint photos with neural networks."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_stylize(commands)
    _add_translate(commands)
    _add_sketch(commands)
    _add_sheet(commands)
    video_command.add_parser(commands)
    add_engines(doctor.add_parser(commands))
    return parser


def _add_stylize(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    default = StylizeOptions()
    parser = _add_command(commands, "stylize", "repaint a photo in the style of a picture", default)
    add = parser.add_argument
    add_style(parser)
    add(
        "--fine",
        type=int,
        default=default.fine,
        help="longer side, at most, while painting the strokes, in pixels",
    )
    add(
        "--brush",
        choices=tuple(BRUSHES),
        default=default.brush,
        help="how large the style's strokes and patterns are",
    )
    add(
        "--faces",
        choices=FACES,
        default=default.faces,
        help="keep them recognisable, or paint over them",
    )
    add(
        "--keep",
        metavar="MASK",
        type=Path,
        help="a picture that is white where the painting stays closer to the photo",
    )
    add(
        "--size",
        type=int,
        default=default.size,
        help="longer side while painting the motifs, in pixels",
    )
    add("--strength", type=float, default=default.strength, help="from 0, gentle, to 1, strong")
    add("--keep-colours", action="store_true", help="keep the photo's colours")
    add("--seed", type=int, default=default.seed, help="each seed gives a different painting")
    add("--steps", type=int, default=default.steps, help="maximum number of steps")
    add(
        "--objective",
        choices=OBJECTIVE_CHOICES,
        default=default.objective,
        help="deep paints the style's motifs, classic its texture in a third of the time; auto is "
        "deep if its graphs are installed",
    )
    add(
        "--weights",
        choices=WEIGHT_CHOICES,
        default=default.weights,
        help="which VGG-19 judges the painting; auto is the one last given to `export onnx --vgg`",
    )
    add("--pooling", choices=POOLINGS, default=default.pooling, help="the pooling of VGG-19")
    parser.set_defaults(run=_stylize)


def _add_translate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    default = TranslateOptions()
    parser = _add_command(commands, "translate", "turn a horse into a zebra, and the like", default)
    add = parser.add_argument
    add("model", metavar="MODEL", help="the name of an installed generator, such as horse2zebra")
    add("--size", type=int, default=default.size, help="longer side while translating, in pixels")
    add("--smooth", action="store_true", help="do not add the photo's fine detail")
    parser.set_defaults(run=_translate)


def _add_sketch(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    default = SketchOptions()
    parser = _add_command(commands, "sketch", "repaint a photo in a style in one pass", default)
    add_style(parser)
    add_sketching(parser, default, "photo")
    parser.set_defaults(run=_sketch)


def _add_sheet(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    default = SketchOptions(size=512)
    what = "sketch a photo in every style of styles/ on one sheet"
    parser = _add_command(commands, "sheet", what, default)
    add_sketching(parser, default, "photo")
    parser.set_defaults(run=_sheet)


def _add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    what: str,
    default: Union[StylizeOptions, TranslateOptions, SketchOptions],
) -> argparse.ArgumentParser:
    """Add a command that makes a picture from a photo."""
    parser = commands.add_parser(
        name, help=what, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add(
        "photos",
        metavar="PHOTO",
        nargs="+",
        help="the photos to repaint, or folders of photos",
    )
    add(
        "-o",
        "--output",
        metavar="OUT",
        type=Path,
        required=True,
        help="the file to write; for several photos, the folder",
    )
    add("--backend", choices=BACKEND_CHOICES, default=default.backend, help="what runs the graphs")
    add_engines(parser)
    return parser


def _stylize(args: argparse.Namespace) -> int:
    # Imported here: a wrong option is reported without waiting for SciPy to load.
    from runtime.style_transfer import stylize

    options = StylizeOptions(
        objective=args.objective,
        weights=args.weights,
        pooling=args.pooling,
        size=args.size,
        fine=args.fine,
        brush=args.brush,
        faces=args.faces,
        strength=args.strength,
        keep_colours=args.keep_colours,
        seed=args.seed,
        steps=args.steps,
        backend=args.backend,
    )
    photos, styles = photos_and_styles(args.photos, args.style)
    tasks = tasks_for(photos, args.output)
    if args.keep is not None and len(tasks) > 1:
        raise OptionError(f"--keep is for a single photo, and {len(tasks)} are given.")
    keep = None if args.keep is None else read_picture(args.keep).convert("L")

    def paint(photo: Image.Image, on_progress: OnProgress, graphs: KeptGraphs) -> Image.Image:
        return stylize(
            photo,
            styles,
            options,
            keep=keep,
            engines=args.engines,
            graphs=graphs,
            on_progress=on_progress,
        )

    return paint_all(tasks, paint)


def _translate(args: argparse.Namespace) -> int:
    from runtime.translation import translate

    options = TranslateOptions(size=args.size, detail=not args.smooth, backend=args.backend)

    def paint(photo: Image.Image, _on_progress: OnProgress, graphs: KeptGraphs) -> Image.Image:
        return translate(photo, args.model, options, engines=args.engines, graphs=graphs)

    photos = [Path(each) for each in args.photos]
    return paint_all(tasks_for(photos, args.output), paint)


def _sketch(args: argparse.Namespace) -> int:
    from runtime.sketching import sketch

    options = sketching_options(args, SketchOptions)
    photos, styles = photos_and_styles(args.photos, args.style)

    def paint(photo: Image.Image, _on_progress: OnProgress, graphs: KeptGraphs) -> Image.Image:
        return sketch(photo, styles, options, engines=args.engines, graphs=graphs)

    return paint_all(tasks_for(photos, args.output), paint)


def _sheet(args: argparse.Namespace) -> int:
    from runtime.sheets import contact_sheet

    options = sketching_options(args, SketchOptions)
    styles = list(installed_styles().values())

    def paint(photo: Image.Image, _on_progress: OnProgress, graphs: KeptGraphs) -> Image.Image:
        return contact_sheet(photo, styles, options, engines=args.engines, graphs=graphs)

    photos = [Path(each) for each in args.photos]
    return paint_all(tasks_for(photos, args.output), paint)
