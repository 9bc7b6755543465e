"""Arguments that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, List, Sequence, Tuple, Type, TypeVar

from runtime.catalog.styles import find_style
from runtime.cli.style_arguments import split_styles
from runtime.imaging.reading import read_picture
from runtime.options import SketchOptions
from runtime.spec.folder import DEFAULT_ENGINES

if TYPE_CHECKING:
    from runtime.gatys.targets import WeightedStyle

Options = TypeVar("Options", bound=SketchOptions)


def add_style(parser: argparse.ArgumentParser) -> None:
    """Add the style that comes after the photos."""
    parser.add_argument(
        "style",
        metavar="STYLE",
        help="a picture file, or the name of a style in styles/; a mix of several styles is "
        "STYLE:0.7 STYLE2:0.3",
    )


def add_engines(parser: argparse.ArgumentParser) -> None:
    """Add the option for the folder of the graphs."""
    parser.add_argument(
        "--engines",
        metavar="DIR",
        type=Path,
        default=DEFAULT_ENGINES,
        help="the folder of graphs and engines",
    )


def add_sketching(parser: argparse.ArgumentParser, default: SketchOptions, subject: str) -> None:
    """Add how a photo, or another `subject`, is sketched."""
    add = parser.add_argument
    add("--size", type=int, default=default.size, help="longer side, at most, in pixels")
    add(
        "--strength",
        type=float,
        default=default.strength,
        help=f"from 0, the {subject}'s own style, to 1, the style alone",
    )
    add("--keep-colours", action="store_true", help=f"keep the {subject}'s colours")


def sketching_options(args: argparse.Namespace, kind: Type[Options]) -> Options:
    """The options that `add_sketching` added; raises `OptionError` for a value outside its range."""
    return kind(
        size=args.size,
        strength=args.strength,
        keep_colours=args.keep_colours,
        backend=args.backend,
    )


def photos_and_styles(photos: Sequence[str], last: str) -> Tuple[List[Path], List[WeightedStyle]]:
    """The photos of a command, and the styles that follow them, of which `last` is the last.

    Raises `OptionError` for arguments that name no photo, or a style without a weight among others,
    and `PictureError` for a style that cannot be read.
    """
    # Imported here: a wrong option is reported without waiting for SciPy to load.
    from runtime.gatys.targets import WeightedStyle

    found, chosen = split_styles(photos, last)
    return found, [
        WeightedStyle(read_picture(find_style(each.style)), each.weight) for each in chosen
    ]
