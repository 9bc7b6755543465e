"""The command line, `python -m runtime`.

stylize PHOTO STYLE -o OUT, translate PHOTO MODEL -o OUT, and doctor.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import List, Optional, Union

from PIL import Image

from runtime.catalog.styles import find_style
from runtime.errors import JetbrushError
from runtime.imaging.picture import check_writable, read_picture, write_picture
from runtime.machine import doctor
from runtime.options import BACKEND_CHOICES, OBJECTIVE_CHOICES, StylizeOptions, TranslateOptions
from runtime.progress import Progress
from runtime.spec import engines as spec_engines
from runtime.spec.vgg import POOLINGS

#: What a shell reports for a program that Ctrl-C ended.
INTERRUPTED = 130


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command; returns the exit code: 1 after an error told in a sentence."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    args = _parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except JetbrushError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runtime", description="Repaint photos with neural networks."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_stylize(commands)
    _add_translate(commands)
    doctor.add_parser(commands)
    return parser


def _add_stylize(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    default = StylizeOptions()
    parser = _add_command(commands, "stylize", "repaint a photo in the style of a picture", default)
    add = parser.add_argument
    add("style", metavar="STYLE", help="a picture file, or the name of a style in styles/")
    add("--strength", type=float, default=default.strength, help="0 is gentle, 1 is strong")
    add("--keep-colours", action="store_true", help="keep the photo's colours")
    add("--seed", type=int, default=default.seed, help="each seed gives another painting")
    add("--steps", type=int, default=default.steps, help="steps at the most")
    add("--objective", choices=OBJECTIVE_CHOICES, default=default.objective, help="what is seen")
    add("--pooling", choices=POOLINGS, default=default.pooling, help="how layers are joined")
    parser.set_defaults(run=_stylize)


def _add_translate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    default = TranslateOptions()
    parser = _add_command(commands, "translate", "translate a photo: a horse to a zebra", default)
    add = parser.add_argument
    add("model", metavar="MODEL", help="the name of an installed generator, such as horse2zebra")
    add("--smooth", action="store_true", help="leave the photo's fine detail out")
    parser.set_defaults(run=_translate)


def _add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    what: str,
    default: Union[StylizeOptions, TranslateOptions],
) -> argparse.ArgumentParser:
    """Add a command that makes a picture of a photo."""
    parser = commands.add_parser(
        name, help=what, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("photo", metavar="PHOTO", type=Path, help="the photo to start from")
    add("-o", "--output", metavar="OUT", type=Path, required=True, help="the file to write")
    add("--size", type=int, default=default.size, help="longer side to work at, in pixels")
    add(
        "--engines",
        metavar="DIR",
        type=Path,
        default=spec_engines.ENGINES,
        help="the graphs' folder",
    )
    add("--backend", choices=BACKEND_CHOICES, default=default.backend, help="what computes")
    return parser


def _stylize(args: argparse.Namespace) -> int:
    spec_engines.ENGINES = args.engines
    # Imported here: SciPy takes longer to load than a wrong option takes to be reported.
    from runtime.style_transfer import stylize

    options = StylizeOptions(
        objective=args.objective,
        pooling=args.pooling,
        size=args.size,
        strength=args.strength,
        keep_colours=args.keep_colours,
        seed=args.seed,
        steps=args.steps,
        backend=args.backend,
    )
    check_writable(args.output)
    photo, style = read_picture(args.photo), read_picture(find_style(args.style))
    with _Bar(options.steps) as bar:
        painted = stylize(photo, style, options, on_progress=bar.update)
    return _write(painted, args.output)


def _translate(args: argparse.Namespace) -> int:
    spec_engines.ENGINES = args.engines
    from runtime.translation import translate

    options = TranslateOptions(size=args.size, detail=not args.smooth, backend=args.backend)
    check_writable(args.output)
    return _write(translate(read_picture(args.photo), args.model, options), args.output)


def _write(picture: Image.Image, path: Path) -> int:
    write_picture(picture, path)
    print(f"{path}: {picture.width}x{picture.height}")
    return 0


class _Bar:
    """A progress bar on standard error, with the loss beside it."""

    def __init__(self, steps: int) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=steps, unit="step", desc="painting", dynamic_ncols=True)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        # A job that needed fewer steps is done all the same.
        self._bar.total = self._bar.n
        self._bar.close()

    def update(self, progress: Progress) -> None:
        self._bar.set_postfix(loss=f"{progress.loss:.3g}", refresh=False)
        self._bar.update(progress.step - self._bar.n)
