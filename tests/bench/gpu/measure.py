"""Takes the figures of `make bench-gpu`: which part is run with what, and in which order."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from runtime.options import StylizeOptions
from runtime.spec.engine_sizes import Stage
from runtime.spec.engines import Size
from runtime.spec.graphs import features_graph, gatys_graph, generator_graph
from runtime.spec.vgg import CLASSIC
from tests.bench import descent, generator
from tests.bench.gpu.report import HEADER, row
from tests.bench.gpu.stages import StageRun, desktop_runs
from tests.bench.gpu.task import Task, run_task
from tests.bench.pairs import PAIRS, PHOTOS, PORTRAIT

#: Who builds and runs engines: the modules, of which a machine has one, or both, or none.
BINDINGS = ("tensorrt", "tensorrt_rtx")

SIZE: Size = (384, 288)

_FEATURES = features_graph(CLASSIC, descent.POOLING).name
_GATYS = gatys_graph(CLASSIC, descent.POOLING).name
_GENERATOR = generator_graph(generator.NAME).name

#: Of the time that is left, the part in which the engines of one module are built. The first module
#: has most of what it needs, and the second gets its share of the rest.
_BUILDING = 0.4

#: Lets the code, which imports `tensorrt`, have TensorRT-RTX under that name.
_ALIAS = "import sys\nimport {module}\nsys.modules[__name__] = {module}\n"

Figures = Dict[str, Any]
Engine = Tuple[str, Size]


@dataclass(frozen=True)
class Settings:
    """What is measured: sizes are (width, height), multiples of 16."""

    device: str = "cuda"
    size: Size = SIZE
    generator_size: Size = (generator.SIZE, generator.SIZE)
    repeats: int = 3
    steps: int = StylizeOptions.steps
    pairs: Sequence[Tuple[str, str]] = PAIRS
    stages: Sequence[StageRun] = field(default_factory=desktop_runs)
    #: For all parts together; those that do not run in them are reported.
    seconds: float = 570.0


@dataclass(frozen=True)
class Contestant:
    """Who runs graphs: a backend, where its graphs are, and the environment that it needs."""

    name: str
    backend: str
    folder: str
    environment: Mapping[str, str]
    #: Why an engine of this name cannot be run.
    failed: Mapping[str, str]


class Bench:
    """One run of the benchmark; `folder` takes graphs and engines."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._base = Task(
            "", str(folder), settings.device, repeats=settings.repeats, steps=settings.steps
        )
        self._end = time.monotonic() + settings.seconds
        self._rates: Mapping[str, float] = {}

    def measure(self) -> Figures:
        """All figures, printed as they come."""
        peaks = self._run(replace(self._base, kind="peaks"))
        _print_peaks(peaks)
        self._rates = peaks.get("gflops", {})
        work, network = self._prepare()
        contestants, built = self._contestants()
        print(HEADER, flush=True)
        stages = [self._stage(each, contestants, work) for each in self._settings.stages]
        paintings = list(self._paintings(contestants))
        return {
            "peaks": peaks,
            "engines": built,
            "stages": stages,
            "paintings": paintings,
            "generator": self._generator(contestants, network),
            "gatys": [self._pair(*pair, contestants) for pair in self._settings.pairs],
        }

    def _left(self) -> float:
        return self._end - time.monotonic()

    def _run(self, task: Task, environment: Optional[Mapping[str, str]] = None) -> Figures:
        return run_task(task, environment or {}, self._left())

    def _prepare(self) -> Tuple[Mapping[str, float], Figures]:
        """Write the graphs: the GFLOP of the stages' engines, and what is known of the generator."""
        engines = tuple((each.graph.name, each.size) for each in self._settings.stages)
        graphs = self._run(replace(self._base, kind="graphs", graphs=engines))
        task = replace(self._base, size=self._settings.generator_size, photo=str(PORTRAIT))
        network = self._run(replace(task, kind="network"))
        for name, done in (("graphs", graphs), ("network", network)):
            if "reason" in done:
                print(f"{name}: {done['reason']}", flush=True)
        return graphs.get("gflop", {}), network

    def _engines(self) -> Tuple[Engine, ...]:
        """What is built, the most interesting first."""
        stages = [engine for each in self._settings.stages for engine in each.engines]
        size, generators = self._settings.size, self._settings.generator_size
        return (*stages, (_GENERATOR, generators), (_FEATURES, size), (_GATYS, size))

    def _contestants(self) -> Tuple[List[Contestant], Dict[str, Figures]]:
        """torch's backend, and TensorRT's with each module; and what became of the engines."""
        base = self._base
        found = [Contestant("pyt", "pyt", base.folder, {}, {})]
        built: Dict[str, Figures] = {}
        for module in BINDINGS:
            folder = Path(base.folder) / module
            folder.mkdir()
            for path in Path(base.folder).iterdir():
                if path.is_file():
                    shutil.copy(str(path), str(folder))
            environment = _environment(module, folder)
            print(f"Building the engines with {module}:", flush=True)
            engines, seconds = self._engines(), _BUILDING * self._left()
            task = replace(base, kind="engines", folder=str(folder), graphs=engines)
            done = self._run(replace(task, seconds=seconds), environment)
            built[module] = done
            failed = done.get("failed", {})
            if "reason" in done:
                failed = {_stem(each): done["reason"] for each in engines}
            for reason in sorted(set(failed.values())):
                print(f"    {reason}", flush=True)
            found.append(Contestant(module, "trt", str(folder), environment, failed))
        return found, built

    def _stage(
        self, run: StageRun, contestants: Sequence[Contestant], work: Mapping[str, float]
    ) -> Figures:
        engine = (run.graph.name, run.size)
        task = replace(self._base, kind="graph_run", size=run.size)
        gflop = work.get(_stem(engine), 0.0)
        parts = {}
        for each, figures in self._runs(task, contestants, (engine,)):
            parts[each] = self._with_rates(figures, "seconds", gflop)
            print(row(run.what, each, parts[each]), flush=True)
        return {"what": run.what, "size": run.size, "gflop": gflop, "parts": parts}

    def _paintings(self, contestants: Sequence[Contestant]) -> Iterator[Figures]:
        """A whole picture for each size of the fine stage."""
        stages = self._settings.stages
        coarse = [each for each in stages if each.stage is Stage.COARSE]
        photo, style = PAIRS[0]
        for fine in (each for each in stages if each.stage is Stage.FINE):
            engines = tuple(engine for each in (*coarse[:1], fine) for engine in each.engines)
            what = f"painting, {fine.size[0]}x{fine.size[1]}"
            pair = replace(self._base, photo=str(PHOTOS / photo), style=style)
            task = replace(pair, kind="painting", size=fine.size)
            parts = {}
            for each, parts[each] in self._runs(task, contestants, engines):
                print(row(what, each, parts[each]), flush=True)
            yield {"what": what, "size": fine.size, "parts": parts}

    def _pair(self, photo: str, style: str, contestants: Sequence[Contestant]) -> Figures:
        size = self._settings.size
        name = f"{photo.partition('.')[0]} + {style}"
        pair = replace(self._base, photo=str(PHOTOS / photo), style=style, size=size)
        gflop = descent.gflop(size[1], size[0])
        reference = self._run(replace(pair, kind="recipe"))
        parts = {"torch": self._with_rates(reference, "seconds_per_evaluation", gflop)}
        print(row(name, "torch", parts["torch"]), flush=True)
        task = replace(pair, kind="descent", target=reference.get("loss"))
        engines = ((_GATYS, size), (_FEATURES, size))
        for each, figures in self._runs(task, contestants, engines):
            _add_speedup(figures, reference)
            parts[each] = self._with_rates(figures, "seconds_per_evaluation", gflop)
            print(row(name, each, parts[each]), flush=True)
        return {"what": name, "size": size, "gflop": gflop, "parts": parts}

    def _generator(self, contestants: Sequence[Contestant], network: Figures) -> Figures:
        size = self._settings.generator_size
        what = f"{generator.MODEL}, {size[0]}x{size[1]}"
        task = replace(self._base, photo=str(PORTRAIT), size=size)
        gflop: float = network.get("gflop", 0.0)
        reference = self._run(replace(task, kind="generator_torch"))
        parts = {"torch": self._with_rates(reference, "seconds", gflop)}
        print(row(what, "torch", parts["torch"]), flush=True)
        ours = replace(task, kind="generator_ours")
        for each, figures in self._runs(ours, contestants, ((_GENERATOR, size),)):
            _add_speedup(figures, reference)
            parts[each] = self._with_rates(figures, "seconds", gflop)
            print(row(what, each, parts[each]), flush=True)
        return {"what": what, "size": size, "gflop": gflop, "parts": parts}

    def _runs(
        self, task: Task, contestants: Sequence[Contestant], engines: Sequence[Engine]
    ) -> Iterator[Tuple[str, Figures]]:
        """The figures of every contestant, or its reason; `engines` are those that it needs."""
        for each in contestants:
            reasons = [each.failed[_stem(one)] for one in engines if _stem(one) in each.failed]
            if reasons:
                yield each.name, {"reason": reasons[0]}
                continue
            own = replace(task, backend=each.backend, folder=each.folder, graphs=tuple(engines))
            yield each.name, self._run(own, each.environment)

    def _with_rates(self, figures: Figures, seconds: str, gflop: float) -> Figures:
        """`figures` with GFLOP/s, and their shares of the peaks that could be measured."""
        if "reason" in figures or not gflop:
            return figures
        rate = gflop / figures[seconds]
        shares = {f"of_{name}": round(rate / peak, 3) for name, peak in self._rates.items()}
        return {**figures, "gflops": round(rate, 1), **shares}


def _stem(engine: Engine) -> str:
    """The name of an engine's files, as `export` has it."""
    name, (width, height) = engine
    return f"{name}-{width}x{height}"


def _environment(module: str, folder: Path) -> Dict[str, str]:
    """What lets `import tensorrt` give `module`."""
    if module == "tensorrt":
        return {}
    alias = folder / "alias"
    alias.mkdir()
    (alias / "tensorrt.py").write_text(_ALIAS.format(module=module))
    path = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(alias), *([path] if path else [])])}


def _add_speedup(figures: Figures, reference: Figures) -> None:
    if "seconds" in figures and "seconds" in reference:
        figures["speedup"] = round(reference["seconds"] / figures["seconds"], 2)


def _print_peaks(peaks: Figures) -> None:
    if "reason" in peaks:
        print(f"The peaks of matrix products are not known: {peaks['reason']}", flush=True)
        return
    said = ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in peaks["gflops"].items())
    print(f"torch {peaks['torch']}, CUDA {peaks['cuda']}; matrix products: {said}", flush=True)
