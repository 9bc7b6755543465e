"""`python -m bot examples`: paints the pictures that /examples shows, before and after.

The repository contains most of them. Those of horses and zebras are painted on the owner's machine,
from the photos and with the generators that `make weights` fetches.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

from PIL import Image

from bot.errors import BotError, PaintingError, PictureRefused
from bot.painting.client import PainterClient, painter_command
from bot.painting.protocol import PaintRequest, StyleFile
from runtime import StylizeOptions, TranslateOptions, find_style, models
from runtime.errors import PictureError
from runtime.files import atomic_write
from runtime.imaging.reading import read_picture
from runtime.spec.folder import DEFAULT_ENGINES

#: The folder that the paths of photos in the index are relative to.
ROOT = Path(__file__).resolve().parent.parent.parent

#: The longer side of each of the two pictures and the width of the gap, in pixels: 1200 in all.
PANEL, GAP = 596, 8
QUALITY = 85


class Skipped(Exception):
    """Something that an example needs is missing; the message says what, and what helps."""


@dataclass(frozen=True)
class Example:
    """An entry of the index: the photo, and the style or the generators, the best first."""

    name: str
    path: Path
    photo: Path
    style: Optional[str] = None
    strength: float = StylizeOptions.strength
    generators: Tuple[str, ...] = ()

    def request(self, panel: Path, output: Path, engines: Path) -> PaintRequest:
        """The request to the painter; raises `Skipped` if `engines` holds no generator for it."""
        request = PaintRequest(
            photo=str(panel),
            output=str(output),
            previews=str(output.parent),
            options=StylizeOptions(
                size=min(StylizeOptions.size, PANEL), fine=PANEL, strength=self.strength
            ),
        )
        if self.style is not None:
            return replace(request, styles=(StyleFile(str(find_style(self.style))),))
        for name in self.generators:
            if name in models(engines):
                return replace(request, options=TranslateOptions(size=PANEL), model=name)
        raise Skipped(
            f"the generator {self.generators[0]} is not installed; `make weights onnx` fetches it"
        )


def read_examples(folder: Path) -> List[Example]:
    """The entries of the folder's index, whether their pictures exist or not."""
    entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return [
        Example(
            name=entry["name"],
            path=folder / entry["file"],
            photo=ROOT / entry["photo"],
            style=entry.get("style"),
            strength=entry.get("strength", StylizeOptions.strength),
            generators=tuple(entry.get("generators", ())),
        )
        for entry in entries
    ]


async def paint(example: Example, painter_client: PainterClient, engines: Path) -> None:
    """Write the example's picture atomically.

    Raises `Skipped` when its photo or generator is missing, `PaintingError`, `PictureRefused` or
    `PictureError` when it cannot be painted.
    """
    if not example.photo.exists():
        raise Skipped(
            f"the photo {_shown(example.photo)} is missing; `make weights` fetches one, or put a"
            " photo of your own there"
        )
    with tempfile.TemporaryDirectory() as scratch:
        panel, output = Path(scratch) / "before.png", Path(scratch) / "after.png"
        request = example.request(panel, output, engines)
        before = _panel(read_picture(example.photo))
        before.save(panel)
        await painter_client.submit(request, on_progress=lambda progress: None)
        _write(side_by_side(before, read_picture(output)), example.path)


def side_by_side(before: Image.Image, after: Image.Image) -> Image.Image:
    """Two pictures of one size with a thin white gap between them."""
    joined = Image.new("RGB", (before.width + GAP + after.width, before.height), "white")
    joined.paste(before, (0, 0))
    joined.paste(after, (before.width + GAP, 0))
    return joined


def _panel(photo: Image.Image) -> Image.Image:
    """The photo scaled to the size at which it is painted and shown."""
    scale = PANEL / max(photo.size)
    size = (round(photo.width * scale), round(photo.height * scale))
    return photo.resize(size, Image.Resampling.LANCZOS)


def _write(picture: Image.Image, path: Path) -> None:
    try:
        with atomic_write(path) as file:
            picture.save(file, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    except OSError as error:
        raise BotError(f"{path} cannot be written: {error.strerror or error}.") from error


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if ROOT in path.parents else str(path)


def add_parser(commands: Any) -> None:
    """Add the command to `python -m bot`."""
    parser = commands.add_parser(
        "examples",
        help="paint the pictures that /examples shows",
        description="Paints the missing ones, and prints which it skips and why.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="paint these, even if they exist")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    # Imported here: the help of the other commands needs no aiogram.
    from bot.chat.catalog import EXAMPLES

    return asyncio.run(paint_all(read_examples(EXAMPLES), args.names))


async def paint_all(
    examples: Sequence[Example], names: Sequence[str], engines: Path = DEFAULT_ENGINES
) -> int:
    """Paint the examples called `names`, or all that are missing; returns 1 if one failed."""
    known = [each.name for each in examples]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise BotError(f"There is no example {unknown[0]}; choose from {', '.join(known)}.")
    painter_client = PainterClient(painter_command(engines))
    failures = 0
    try:
        for example in examples:
            if names and example.name not in names:
                continue
            if not names and example.path.exists():
                print(f"{example.name}: exists.", flush=True)
                continue
            try:
                await paint(example, painter_client, engines)
                print(f"{example.name}: painted, {_shown(example.path)}.", flush=True)
            except Skipped as reason:
                print(f"{example.name}: skipped: {reason}.", flush=True)
            except (PaintingError, PictureError, PictureRefused) as error:
                failures += 1
                print(f"{example.name}: not painted. {error}", flush=True)
    finally:
        await painter_client.close()
    return 1 if failures else 0
