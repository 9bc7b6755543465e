"""`python -m tests.bench.gpu`: the figures of a machine with a CUDA GPU, and bench-gpu.json.

Each part runs in a process of its own; one that cannot run is reported with its reason, and the
others go on. Nothing is fetched: the weights of Gatys' method come with the repository, the
generator's are random.

Exit codes: 0 figures were taken, 1 no part could run, 3 there is no CUDA GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from runtime.spec.engines import Size
from runtime.spec.graphs import features_graph, gatys_graph, generator_graph
from runtime.spec.vgg import CLASSIC
from tests.bench import descent, generator
from tests.bench.gpu.cuda_driver import Driver, DriverError
from tests.bench.gpu.report import HEADER, gatys_line, generator_line
from tests.bench.gpu.task import Task, run_task
from tests.bench.pairs import PAIRS, PHOTOS, PORTRAIT, ROOT

NO_GPU = 3

#: Who builds and runs engines: the modules, of which a machine has one, or both, or none.
BINDINGS = ("tensorrt", "tensorrt_rtx")

SIZE: Size = (384, 288)

_FEATURES = features_graph(CLASSIC, descent.POOLING).name
_GATYS = gatys_graph(CLASSIC, descent.POOLING).name
_GENERATOR = generator_graph(generator.NAME).name

#: Lets the code, which imports `tensorrt`, have TensorRT-RTX under that name.
_ALIAS = "import sys\nimport {module}\nsys.modules[__name__] = {module}\n"

Figures = Dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """What is measured: sizes are (width, height), multiples of 16."""

    device: str = "cuda"
    size: Size = SIZE
    generator_size: Size = (generator.SIZE, generator.SIZE)
    repeats: int = 3
    pairs: Sequence[Tuple[str, str]] = PAIRS


@dataclass(frozen=True)
class Contestant:
    """Who runs graphs: a backend, where its graphs are, and the environment that it needs."""

    name: str
    backend: str
    folder: str
    environment: Mapping[str, str]
    #: Why a graph of this name cannot be run.
    failed: Mapping[str, str]


def main(arguments: Optional[List[str]] = None) -> int:
    """Take all figures, print them and write them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description=__doc__)
    parser.add_argument("--repeats", type=int, default=Settings.repeats, help="of each; medians")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "bench-gpu.json")
    args = parser.parse_args(arguments)
    try:
        driver = Driver()
    except DriverError as error:
        print(f"{error} These figures are for a machine with a CUDA GPU.", file=sys.stderr)
        return NO_GPU
    print(f"{driver.name}, Python {platform.python_version()}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found = {"gpu": driver.name, **measure(Settings(repeats=args.repeats), Path(folder))}
    args.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"All figures are in {args.output}.")
    parts = [
        part for row in (*found["gatys"], found["generator"]) for part in row["parts"].values()
    ]
    return 1 if all("reason" in part for part in parts) else 0


def measure(settings: Settings, folder: Path) -> Figures:
    """All figures, printed as they come; `folder` takes graphs and engines."""
    base = Task("", str(folder), settings.device, repeats=settings.repeats)
    peaks = run_task(replace(base, kind="peaks"), {})
    _print_peaks(peaks)
    prepared = _prepare(base, settings)
    contestants, built = _contestants(base, settings, prepared)
    rates: Mapping[str, float] = peaks.get("gflops", {})
    print(HEADER)
    gatys = [
        _measure_pair(base, settings, photo, style, contestants, rates)
        for photo, style in settings.pairs
    ]
    return {
        "peaks": peaks,
        "engines": built,
        "gatys": gatys,
        "generator": _measure_generator(base, settings, contestants, prepared, rates),
    }


def _prepare(base: Task, settings: Settings) -> Figures:
    """Write the graphs; what is known of the generator's."""
    for task in (
        replace(base, kind="graphs"),
        replace(base, kind="network", size=settings.generator_size, photo=str(PORTRAIT)),
    ):
        done = run_task(task, {})
        if "reason" in done:
            print(f"{task.kind}: {done['reason']}", flush=True)
    return done


def _contestants(
    base: Task, settings: Settings, prepared: Figures
) -> Tuple[List[Contestant], Dict[str, Figures]]:
    """torch's backend, and TensorRT's with each module; and what became of the engines."""
    found = [Contestant("pyt", "pyt", base.folder, {}, {})]
    sizes = (
        (_FEATURES, settings.size),
        (_GATYS, settings.size),
        (_GENERATOR, settings.generator_size),
    )
    built: Dict[str, Figures] = {}
    for module in BINDINGS:
        folder = Path(base.folder) / module
        folder.mkdir()
        for path in Path(base.folder).iterdir():
            if path.is_file():
                shutil.copy(str(path), str(folder))
        environment = _environment(module, folder)
        print(f"Building the engines with {module}:", flush=True)
        task = replace(base, kind="engines", folder=str(folder), graphs=sizes)
        built[module] = done = run_task(task, environment)
        failed = done.get("failed", {})
        if "reason" in done:
            failed = {name: done["reason"] for name, _ in sizes}
        for reason in sorted(set(failed.values())):
            print(f"    {reason}", flush=True)
        found.append(Contestant(module, "trt", str(folder), environment, failed))
    return found, built


def _environment(module: str, folder: Path) -> Dict[str, str]:
    """What lets `import tensorrt` give `module`."""
    if module == "tensorrt":
        return {}
    alias = folder / "alias"
    alias.mkdir()
    (alias / "tensorrt.py").write_text(_ALIAS.format(module=module))
    path = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(alias), *([path] if path else [])])}


def _measure_pair(
    base: Task,
    settings: Settings,
    photo: str,
    style: str,
    contestants: Sequence[Contestant],
    rates: Mapping[str, float],
) -> Figures:
    name = f"{photo.partition('.')[0]} + {style}"
    pair = replace(base, photo=str(PHOTOS / photo), style=style, size=settings.size)
    work = descent.gflop(settings.size[1], settings.size[0])
    reference = run_task(replace(pair, kind="recipe"), {})
    parts = {"torch": _with_rates(reference, "seconds_per_evaluation", work, rates)}
    print(gatys_line(name, "torch", parts["torch"]), flush=True)
    task = replace(pair, kind="descent", target=reference.get("loss"))
    for each, figures in _runs(task, contestants, (_FEATURES, _GATYS), settings.size):
        _add_speedup(figures, reference)
        parts[each] = _with_rates(figures, "seconds_per_evaluation", work, rates)
        print(gatys_line("", each, parts[each]), flush=True)
    return {"pair": name, "size": settings.size, "parts": parts}


def _measure_generator(
    base: Task,
    settings: Settings,
    contestants: Sequence[Contestant],
    prepared: Figures,
    rates: Mapping[str, float],
) -> Figures:
    size = settings.generator_size
    task = replace(base, photo=str(PORTRAIT), size=size)
    work: float = prepared.get("gflop", 0.0)
    reference = run_task(replace(task, kind="generator_torch"), {})
    parts = {"torch": _with_rates(reference, "seconds", work, rates)}
    print(generator_line(generator.MODEL, "torch", parts["torch"]), flush=True)
    ours = replace(task, kind="generator_ours")
    for each, figures in _runs(ours, contestants, (_GENERATOR,), size):
        _add_speedup(figures, reference)
        parts[each] = _with_rates(figures, "seconds", work, rates)
        print(generator_line("", each, parts[each]), flush=True)
    return {"model": generator.MODEL, "size": size, "parts": parts}


def _runs(
    task: Task, contestants: Sequence[Contestant], graphs: Sequence[str], size: Size
) -> Iterator[Tuple[str, Figures]]:
    """The figures of every contestant, or its reason; `graphs` are those that the task needs."""
    for each in contestants:
        reasons = [each.failed[name] for name in graphs if name in each.failed]
        if reasons:
            yield each.name, {"reason": reasons[0]}
            continue
        needed = tuple((name, size) for name in reversed(graphs))
        own = replace(task, backend=each.backend, folder=each.folder, graphs=needed)
        yield each.name, run_task(own, each.environment)


def _with_rates(figures: Figures, seconds: str, work: float, rates: Mapping[str, float]) -> Figures:
    """`figures` with GFLOP/s, and their shares of the peaks that could be measured."""
    if "reason" in figures or not work:
        return figures
    rate = work / figures[seconds]
    shares = {f"of_{name}": round(rate / peak, 3) for name, peak in rates.items()}
    return {**figures, "gflops": round(rate, 1), **shares}


def _add_speedup(figures: Figures, reference: Figures) -> None:
    if "seconds" in figures and "seconds" in reference:
        figures["speedup"] = round(reference["seconds"] / figures["seconds"], 2)


def _print_peaks(peaks: Figures) -> None:
    if "reason" in peaks:
        print(f"The peaks of matrix products are not known: {peaks['reason']}", flush=True)
        return
    said = ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in peaks["gflops"].items())
    print(f"torch {peaks['torch']}, CUDA {peaks['cuda']}; matrix products: {said}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
