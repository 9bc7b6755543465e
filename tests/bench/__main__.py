"""`python -m tests.bench`: prints a table and writes bench.json."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import geometric_mean, median
from typing import Dict

import numpy as np
from PIL import Image

from export.sources.vgg import load_vgg19
from runtime.catalog.styles import find_style
from runtime.imaging.reading import read_picture, to_array
from runtime.spec.folder import DEFAULT_ENGINES
from runtime.spec.vgg import CLASSIC
from tests.bench import generator, machine
from tests.bench.descent import Descent, descend, gflop
from tests.bench.network import Network
from tests.bench.pairs import PAIRS, PHOTOS, PORTRAIT, ROOT
from tests.bench.recipe import Recipe, Run

BACKENDS = ("onnxrt", "openvino")
SIZE = 250
HEADER = (
    "pair                            what       evals   s/eval  own s/eval  GFLOP/s  of peak"
    "   seconds  speed-up"
)


def main() -> None:
    """Run every pair; the reference first, then each backend to its loss."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; medians are shown")
    parser.add_argument("--size", type=int, default=SIZE, help="longer side in pixels")
    parser.add_argument("--generator-size", type=int, default=generator.SIZE, help="its sides")
    parser.add_argument("--generator-repeats", type=int, default=7, help="runs of the generator")
    parser.add_argument("--engines", type=Path, default=DEFAULT_ENGINES, help="the graphs")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "bench.json")
    args = parser.parse_args()
    found = machine.describe()
    peak = float(str(found["peak_gflops"]))
    print(", ".join(f"{name} {value}" for name, value in found.items()))
    print(HEADER)
    rows = [_pair(photo, style, args, peak) for photo, style in PAIRS]
    means = {
        name: round(geometric_mean([row[name]["speedup"] for row in rows]), 2)  # type: ignore
        for name in BACKENDS
    }
    print("geometric mean: " + ", ".join(f"{name} {mean}x" for name, mean in means.items()))
    result = {
        "machine": found,
        "gatys": rows,
        "geometric_mean": means,
        "generator": _generator(args.generator_size, args.generator_repeats),
    }
    args.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _pair(photo: str, style: str, args: argparse.Namespace, peak: float) -> Dict[str, object]:
    size, repeats = args.size, args.repeats
    name = f"{photo.partition('.')[0]} + {style}"
    content = _array(read_picture(PHOTOS / photo), size)
    target = _array(read_picture(find_style(style)), size)
    work = gflop(*content.shape[2:])
    recipe = Recipe(load_vgg19(CLASSIC), content, target)
    runs = [recipe.run() for _ in range(repeats)]
    reference = sorted(runs, key=lambda run: run.seconds)[repeats // 2]
    _print_reference(name, reference, median(recipe.autograd_seconds()), work, peak)
    row: Dict[str, object] = {
        "pair": name,
        "reference": {
            "seconds": round(reference.seconds, 2),
            "evaluations": reference.evaluations,
            "loss": reference.loss,
        },
    }
    for backend in BACKENDS:
        descents = [
            descend(backend, args.engines, content, target, reference.loss) for _ in range(repeats)
        ]
        best = sorted(descents, key=lambda each: each.seconds)[repeats // 2]
        row[backend] = _ours(backend, best, reference, work, peak)
    return row


def _array(image: Image.Image, size: int) -> np.ndarray:
    scale = size / max(image.size)
    sides = (round(image.width * scale), round(image.height * scale))
    return to_array(image.resize(sides, Image.Resampling.LANCZOS))


def _print_reference(name: str, run: Run, autograd: float, work: float, peak: float) -> None:
    own = run.seconds / run.evaluations - autograd
    rate = work / autograd
    print(
        f"{name:32}{'reference':10}{run.evaluations:6}{autograd:9.3f}{own:12.3f}{rate:9.0f}"
        f"{rate / peak:9.0%}{run.seconds:10.1f}",
        flush=True,
    )


def _ours(
    backend: str, run: Descent, reference: Run, work: float, peak: float
) -> Dict[str, object]:
    speedup = reference.seconds / run.seconds
    rate = work / run.per_evaluation
    remark = "" if run.reached else "  (its loss was not reached)"
    print(
        f"{'':32}{backend:10}{run.evaluations:6}{run.per_evaluation:9.3f}"
        f"{run.own_per_evaluation:12.3f}{rate:9.0f}{rate / peak:9.0%}{run.seconds:10.1f}"
        f"{speedup:9.2f}x{remark}",
        flush=True,
    )
    return {
        "seconds": round(run.seconds, 2),
        "evaluations": run.evaluations,
        "reached": run.reached,
        "seconds_per_evaluation": round(run.per_evaluation, 4),
        "gflops": round(rate, 1),
        "share_of_peak": round(rate / peak, 3),
        "speedup": round(speedup, 2),
    }


def _generator(size: int, repeats: int) -> Dict[str, object]:
    print(f"{generator.MODEL}, {size} x {size}:")
    rows = generator.compare(
        read_picture(PORTRAIT), BACKENDS, network=Network(), size=size, repeats=repeats
    )
    for name, row in rows.items():
        line = f"{'':32}{name:10}{row['seconds']:8.3f} s"
        if "psnr" in row:
            line += f"{row['speedup']:7.2f}x  PSNR {row['psnr']:.1f} dB, {row['precision']}"
        print(line, flush=True)
    return {"model": generator.MODEL, "size": size, **rows}


if __name__ == "__main__":
    main()
