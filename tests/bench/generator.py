"""One generator, resnet_9blocks at 512 x 512: our backends against the network in eager torch."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Sequence

import numpy as np
from PIL import Image, ImageOps

from export.sources.generator_layouts import Generator
from runtime.backends import backend_class
from runtime.imaging.reading import to_array
from runtime.spec.graphs import generator_graph

if TYPE_CHECKING:
    from tests.bench.network import Network

NAME = "benchmark"
MODEL = "resnet_9blocks (random weights, seed 0)"
SIZE = 512

#: Pictures reach from -1 to 1.
_RANGE = 2.0
#: More than float32 can show: what equal pictures get, in the place of infinity.
MOST_PSNR = 150.0


def picture(photo: Image.Image, size: int = SIZE) -> np.ndarray:
    """The middle of `photo`, float32 [1, 3, size, size] in [-1, 1]."""
    square = ImageOps.fit(photo, (size, size), Image.Resampling.LANCZOS)
    return to_array(square) * np.float32(2) - np.float32(1)


def compare(
    photo: Image.Image, backends: Sequence[str], *, network: Network, size: int, repeats: int
) -> Dict[str, Dict[str, object]]:
    """Seconds of a run (median), speed-up and PSNR in dB, for torch and each of `backends`.

    They take turns, so that whatever else the machine does befalls them all alike.
    """
    image = picture(photo, size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network.install(folder)
        devices = {each: backend_class(each).check(folder) for each in backends}
        loaded = {
            each: backend_class(each)(generator_graph(NAME), height=size, width=size, folder=folder)
            for each in backends
        }
        try:
            runs: Dict[str, Callable[[], np.ndarray]] = {"torch": lambda: network.run(image)}
            for each, backend in loaded.items():
                backend.load()
                runs[each] = lambda backend=backend: backend.run({"image": image})["picture"]
            # The first run of each finds out how to go on: it is not timed.
            results = {each: run() for each, run in runs.items()}
            seconds = in_turns(runs, repeats)
        finally:
            for backend in loaded.values():
                backend.close()
    rows: Dict[str, Dict[str, object]] = {"torch": {"seconds": round(seconds["torch"], 4)}}
    for each in backends:
        rows[each] = {
            "seconds": round(seconds[each], 4),
            "speedup": round(seconds["torch"] / seconds[each], 2),
            "psnr": round(psnr(results[each], results["torch"]), 1),
            "precision": devices[each].rpartition(", ")[2],
        }
    return rows


def psnr(result: np.ndarray, reference: np.ndarray) -> float:
    """The peak signal-to-noise ratio of pictures in [-1, 1] in dB, at most `MOST_PSNR`."""
    error = np.mean(np.square(result.astype(np.float64) - reference))
    return min(float(10 * np.log10(_RANGE**2 / error)), MOST_PSNR) if error else MOST_PSNR


def gflop(generator: Generator, height: int, width: int) -> float:
    """GFLOP of one run: two for each weight and each place where a convolution puts it."""
    pixels = height * width
    total = (generator.stem.weight.size + generator.head.weight.size) * pixels
    total += sum(
        each.weight.size * pixels // 4**step for step, each in enumerate(generator.down, start=1)
    )
    for stages in generator.blocks:
        total += sum(each.weight.size for stage in stages for each in stage) * pixels // 16
    # A transposed convolution puts its weights at every place of its input.
    total += sum(
        each.weight.size * pixels // 4 ** (2 - step) for step, each in enumerate(generator.up)
    )
    return 2 * total / 1e9


def in_turns(runs: Mapping[str, Callable[[], np.ndarray]], repeats: int) -> Dict[str, float]:
    """The median seconds of each run."""
    times: Dict[str, List[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            begin = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - begin)
    return {name: median(values) for name, values in times.items()}
