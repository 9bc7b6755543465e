"""Strokes at 1024 px: the time to an equal loss, and what a whole picture costs at every size.

All ways descend on one objective, the fine stage's: the classic layers at the size of the result,
whose content target are the enlarged motifs with some of the photo's detail. `ours` is both stages,
`one stage` our optimiser at full size from the photo, `adam` the way of crowsonkb's
style-transfer-pytorch: Adam over growing sizes, each starting from the one before.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import numpy as np
import torch
from PIL import Image

from runtime import StylizeOptions, WeightedStyle, find_style, lbfgs, read_picture
from runtime.backends import backend_class
from runtime.backends.kept import GraphsOf, KeptGraphs
from runtime.gatys.descent import loss_of
from runtime.gatys.fine import DETAIL
from runtime.gatys.graphs import StageGraphs, fine_graphs
from runtime.gatys.targets import inverse_mean_square, style_grams, weights_of
from runtime.imaging.finish import enlarge
from runtime.imaging.reading import to_array
from runtime.progress import Progress
from runtime.spec.folder import DEFAULT_ENGINES
from runtime.style_transfer import stylize
from tests.bench import machine
from tests.bench.pairs import PAIRS, PHOTOS, ROOT

SIDE = 1024
#: The longer sides of whole pictures, and 12 megapixels of 4:3.
SIDES = (512, 1024, 2048, 4000)
#: Adam's sizes as shares of the full one, and its learning rate, as crowsonkb's has them.
SCALES = (0.25, 0.354, 0.5, 0.707, 1.0)
LEARNING_RATE = 0.02
#: The others stop after so many times the seconds that ours takes.
PATIENCE = 3

Evaluate = Callable[[np.ndarray], Tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Outcome:
    """Seconds, the loss after them, and whether it is as low as ours."""

    seconds: float
    loss: float
    reached: bool


def main() -> None:
    """Compare the three ways on every pair, then measure whole pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stages", description=__doc__)
    parser.add_argument("--backend", default="openvino", help="what runs the graphs")
    parser.add_argument("--side", type=int, default=SIDE, help="longer side of the strokes")
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="how many of the pairs")
    parser.add_argument("--sides", type=int, nargs="*", default=SIDES, help="of whole pictures")
    parser.add_argument("--engines", type=Path, default=DEFAULT_ENGINES, help="the graphs")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "bench-stages.json")
    args = parser.parse_args()
    found = machine.describe()
    print(", ".join(f"{name} {value}" for name, value in found.items()))
    rows = {
        f"{Path(photo).stem} + {style}": _pair(photo, style, args)
        for photo, style in PAIRS[: args.pairs]
    }
    whole = {str(side): _whole(side, args) for side in args.sides}
    result = {"machine": found, "to_equal_loss": rows, "whole_pictures": whole}
    args.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _pair(photo: str, style: str, args: argparse.Namespace) -> Dict[str, Dict[str, object]]:
    options = StylizeOptions(fine=args.side, faces="paint", backend=args.backend)
    content = _scaled(read_picture(PHOTOS / photo), args.side)
    styles = [WeightedStyle(read_picture(find_style(style)))]
    coarse: List[Image.Image] = []

    def keep(progress: Progress) -> None:
        if progress.step <= options.steps:
            coarse[:] = [progress.draw()]

    begin = time.perf_counter()
    painted = stylize(content, styles, options, engines=args.engines, on_progress=keep)
    ours_seconds = time.perf_counter() - begin
    graphs = GraphsOf(KeptGraphs(), backend_class(args.backend), args.engines)
    stage = fine_graphs(options, graphs)
    ground = enlarge(coarse[0], content, DETAIL)
    feeds = _feeds(stage, ground, styles, options.strength)
    start = to_array(content)
    with stage.open(stage.gatys, start) as graph:
        evaluate = loss_of(graph, feeds)
        mark = evaluate(to_array(painted))[0]
        one = _one_stage(evaluate, start, mark, PATIENCE * ours_seconds)
    adam = _adam(stage, ground, styles, options.strength, content, mark, PATIENCE * ours_seconds)
    outcomes = {"ours": Outcome(ours_seconds, mark, True), "one stage": one, "adam": adam}
    for name, each in outcomes.items():
        state = "" if each.reached else "  (not as low as ours)"
        print(
            f"{photo:20}{style:16}{name:10}{each.seconds:8.1f} s  {each.loss:.3f}{state}",
            flush=True,
        )
    return {name: vars(each) for name, each in outcomes.items()}


def _one_stage(evaluate: Evaluate, start: np.ndarray, mark: float, most: float) -> Outcome:
    begin = time.perf_counter()
    for state in lbfgs.minimise(evaluate, start):
        seconds = time.perf_counter() - begin
        if state.best_loss <= mark or seconds > most:
            break
    return Outcome(seconds, state.best_loss, state.best_loss <= mark)


def _adam(
    stage: StageGraphs,
    ground: Image.Image,
    styles: List[WeightedStyle],
    strength: float,
    content: Image.Image,
    mark: float,
    most: float,
) -> Outcome:
    """Each size gets an equal share of the time but the last, which gets what is left."""
    picture, loss = content, float("inf")
    begin = time.perf_counter()
    for number, scale in enumerate(SCALES):
        size = (round(ground.width * scale / 4) * 4, round(ground.height * scale / 4) * 4)
        if scale == 1:
            size = ground.size
        target = ground.resize(size, Image.Resampling.LANCZOS)
        feeds = _feeds(stage, target, styles, strength)
        start = to_array(picture.resize(size, Image.Resampling.BICUBIC))
        until = most * (number + 1) / len(SCALES)
        image = torch.tensor(start)
        optimizer = torch.optim.Adam([image], lr=LEARNING_RATE)
        with stage.open(stage.gatys, start) as graph:
            evaluate = loss_of(graph, feeds)
            while time.perf_counter() - begin < until:
                loss, gradient = evaluate(image.numpy())
                if scale == 1 and loss <= mark:
                    break
                image.grad = torch.tensor(gradient)
                optimizer.step()
                image.clamp_(0, 1)
        pixels = np.rint(image.numpy()[0].transpose(1, 2, 0) * 255).astype(np.uint8)
        picture = Image.fromarray(pixels)
    return Outcome(time.perf_counter() - begin, loss, loss <= mark)


def _feeds(
    stage: StageGraphs, ground: Image.Image, styles: List[WeightedStyle], strength: float
) -> Dict[str, np.ndarray]:
    feeds = style_grams(stage, styles, max(ground.size))
    feeds["style_weights"] = weights_of(stage, feeds, strength)
    picture = to_array(ground)
    with stage.open(stage.features, picture) as graph:
        feeds["content"] = graph.run({"image": picture})["content"]
    feeds["content_weight"] = inverse_mean_square(feeds["content"])
    feeds["content_map"] = np.ones((1, 1, *feeds["content"].shape[2:]), np.float32)
    return feeds


#: Paints in a process of its own, so that its peak of memory is its own, and prints both.
_PAINT = """
import resource, sys, time
from pathlib import Path
from runtime import StylizeOptions, find_style, read_picture, stylize
photo, side, backend, engines = sys.argv[1:]
photo = read_picture(photo)
size = (int(side), round(photo.height * int(side) / photo.width))
options = StylizeOptions(fine=int(side), backend=backend)
style = read_picture(find_style("night-swirls"))
begin = time.perf_counter()
stylize(photo.resize(size), style, options, engines=Path(engines))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(time.perf_counter() - begin, peak)
"""


def _whole(side: int, args: argparse.Namespace) -> Dict[str, float]:
    photo = PHOTOS / PAIRS[0][0]
    command = [sys.executable, "-c", _PAINT, str(photo), str(side), args.backend, str(args.engines)]
    answer = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    seconds, peak = map(float, answer.stdout.split())
    print(f"whole picture, {side} px: {seconds:.1f} s, {peak:.0f} MiB", flush=True)
    return {"seconds": round(seconds, 1), "peak_mib": round(peak)}


def _scaled(photo: Image.Image, side: int) -> Image.Image:
    scale = side / max(photo.size)
    size = (round(photo.width * scale), round(photo.height * scale))
    return photo.resize(size, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
