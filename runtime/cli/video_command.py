"""`python -m runtime video`: repaints a GIF or a video."""

from __future__ import annotations

import argparse
from pathlib import Path

from runtime.backends.kept import KeptGraphs
from runtime.cli.batch import Bar
from runtime.cli.parsing import (
    add_engines,
    add_sketching,
    add_style,
    photos_and_styles,
    sketching_options,
)
from runtime.errors import OptionError
from runtime.options import BACKEND_CHOICES, VideoOptions

#: What the result's name ends in.
_SUFFIX = ".mp4"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    default = VideoOptions()
    parser = commands.add_parser(
        "video",
        help="repaint a GIF or a video in a style",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("videos", metavar="IN", nargs="+", help="the GIF or video; styles of a mix follow it")
    add_style(parser)
    add("-o", "--output", metavar="OUT", type=Path, required=True, help="the MP4 file to write")
    add_sketching(parser, default, "video")
    add("--backend", choices=BACKEND_CHOICES, default=default.backend, help="what runs the graphs")
    add_engines(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from runtime.video.repainting import repaint_video

    options = sketching_options(args, VideoOptions)
    videos, styles = photos_and_styles(args.videos, args.style)
    if len(videos) > 1:
        raise OptionError(f"One video is repainted at a time, and {len(videos)} are given.")
    if args.output.suffix.lower() != _SUFFIX:
        raise OptionError(f"{args.output} must end in {_SUFFIX}: that is what is written.")
    with Bar(1) as bar, KeptGraphs() as graphs:
        made = repaint_video(
            videos[0],
            styles,
            args.output,
            options,
            engines=args.engines,
            graphs=graphs,
            on_progress=bar.update,
        )
        size = f"{made.size[0]}x{made.size[1]}"
        bar.write(f"{args.output}: {size}, {made.frames} frames, {made.seconds:.1f} s")
        if made.is_cut:
            bar.write(f"{videos[0]} is longer; these are its first {made.seconds:.0f} seconds.")
    return 0
