"""`python -m tests.bench.gpu.part TASK RESULT`: takes one part's figures, in a process of its own.

What needs torch imports it itself: TensorRT's parts run without, as they do in use.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path
from statistics import median
from typing import Any, Callable, Dict, List, Mapping, Type

import numpy as np
import onnx
from PIL import Image, ImageOps

from export.__main__ import main as export_main
from export.engines.driver import build, probe_host
from export.engines.job import Job, graph_named
from export.engines.turn import Turn
from export.errors import ExportError
from export.graphs.cost import cost_of
from export.graphs.gatys import write_graphs
from export.graphs.specialise import fixed
from export.sources.vgg import load_vgg19
from runtime.backends import backend_class
from runtime.backends.kept import KeptGraphs
from runtime.backends.trt_plan import sum_of
from runtime.catalog.styles import find_style
from runtime.errors import BackendUnavailable, JetbrushError
from runtime.imaging.reading import read_picture, to_array
from runtime.options import StylizeOptions
from runtime.progress import Progress
from runtime.spec.engines import EngineRecord, engine_stem, sidecar_file
from runtime.spec.graphs import generator_graph
from runtime.spec.vgg import CLASSIC
from runtime.style_transfer import stylize
from tests.bench import generator
from tests.bench.descent import POOLING, descend
from tests.bench.gpu.cuda_driver import Driver, DriverError
from tests.bench.gpu.task import TIME_IS_UP, Task

Figures = Dict[str, Any]

#: TF32 in convolutions, on the GPUs that have it, is one of them.
_TORCH = "float32, torch's defaults"

#: How often a graph is run for its median.
RUNS = 9

#: Where the reference's picture lies in the folder of the graphs.
REFERENCE = "reference.npy"


def peaks(task: Task) -> Figures:
    """The device and its matrix products."""
    from tests.bench import machine

    torch = _torch(task.device)
    on_gpu = task.device == "cuda"
    return {
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "capability": "{}.{}".format(*torch.cuda.get_device_capability()) if on_gpu else None,
        "gflops": machine.gpu_peaks(task.device),
    }


def graphs(task: Task) -> Figures:
    """Write the graphs of all installed weights; the GFLOP of `task.graphs`, by engine."""
    folder = Path(task.folder)
    write_graphs(CLASSIC, POOLING, load_vgg19(CLASSIC), folder)
    # What is not installed has no graph, and its parts say so.
    export_main(["onnx", "-o", task.folder])
    gflop = {}
    for name, (width, height) in task.graphs:
        if (folder / f"{name}.onnx").exists():
            graph = graph_named(name, folder)
            model = fixed(onnx.load(str(folder / graph.onnx_file)), graph, (width, height))
            gflop[engine_stem(graph, (width, height))] = cost_of(model).gflop
    return {"gflop": gflop}


def network(task: Task) -> Figures:
    """Write the generator's graph, and what it gives in float32 on the CPU."""
    from tests.bench.network import Network

    folder = Path(task.folder)
    reference = Network()
    installed = reference.install(folder)
    np.save(folder / REFERENCE, reference.run(_photo_for_generator(task)))
    return {"gflop": generator.gflop(installed, task.size[1], task.size[0])}


def engines(task: Task) -> Figures:
    """Build the engines of `task.graphs`: the seconds of each, and the reasons of those that fail."""
    started = time.monotonic()
    here = probe_host()
    turn = Turn(Path(task.folder), lambda activity: None)
    built: Dict[str, float] = {}
    failed: Dict[str, str] = {}
    for name, size in task.graphs:
        engine = f"{name}-{size[0]}x{size[1]}"
        file = Path(task.folder) / f"{name}.onnx"
        if not file.exists():
            failed[engine] = f"{file.name} could not be written; `make weights` fetches weights"
            continue
        if time.monotonic() - started > task.seconds:
            failed[engine] = TIME_IS_UP
            continue
        graph = graph_named(name, Path(task.folder))
        job = Job(graph, size, task.folder, sum_of(file.read_bytes()), here.precision, 0)
        try:
            built[engine] = round(build(job, turn), 1)
        except ExportError as error:
            failed[engine] = " ".join(str(error).split())
    return {"bindings": here.host.bindings, "seconds": built, "failed": failed}


def recipe(task: Task) -> Figures:
    """The reference recipe in torch."""
    _torch(task.device)
    from tests.bench.recipe import Recipe

    reference = Recipe(load_vgg19(CLASSIC), *_pair(task), device=task.device)
    runs = sorted((reference.run() for _ in range(task.repeats)), key=lambda run: run.seconds)
    run = runs[len(runs) // 2]
    return {
        "seconds": run.seconds,
        "evaluations": run.evaluations,
        "seconds_per_evaluation": median(reference.autograd_seconds()),
        "loss": run.loss,
        "on": _TORCH,
    }


def descent(task: Task) -> Figures:
    """Our descent to the reference's loss, or as far as it goes if there is none."""
    _check(task)
    target = float("-inf") if task.target is None else task.target
    folder = Path(task.folder)
    runs = [descend(task.backend, folder, *_pair(task), target) for _ in range(task.repeats)]
    run = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
    return {
        "seconds": run.seconds,
        "evaluations": run.evaluations,
        "seconds_per_evaluation": run.per_evaluation,
        "reached": run.reached,
        "on": _on(task, task.graphs[0][0]),
    }


def graph_run(task: Task) -> Figures:
    """One run of the first of `task.graphs`, on numbers small enough for FP16."""
    _check(task)
    ((name, (width, height)), *_) = task.graphs
    folder = Path(task.folder)
    graph = graph_named(name, folder)
    random = np.random.default_rng(0)
    feeds = {
        each: random.random(shape, np.float32) * np.float32(1 if each == "image" else 1e-3)
        for each, shape in graph.input_shapes(height, width).items()
    }
    kind = backend_class(task.backend)
    with kind(graph, height=height, width=width, folder=folder) as backend:
        # The first run finds out how to go on.
        backend.run(feeds)
        seconds = generator.in_turns({"": lambda: backend.run(feeds)}, RUNS)[""]
    return {"seconds": seconds, "on": _on(task, name)}


def painting(task: Task) -> Figures:
    """A whole picture of `task.size`, both stages of it, as the bot paints it."""
    _check(task)
    photo = ImageOps.fit(read_picture(Path(task.photo)), task.size, Image.Resampling.LANCZOS)
    options = StylizeOptions(
        backend=task.backend,
        size=max(task.graphs[0][1]),
        fine=max(task.size),
        faces="paint",
        steps=task.steps,
    )
    steps: List[Progress] = []
    times: List[float] = []
    # The first loads the graphs, as the bot's first photo does.
    with KeptGraphs() as kept:
        for _ in range(2):
            steps.clear()
            begin = time.perf_counter()
            stylize(
                photo,
                read_picture(find_style(task.style)),
                options,
                engines=Path(task.folder),
                graphs=kept,
                on_progress=steps.append,
            )
            times.append(time.perf_counter() - begin)
    return {"seconds": times[1], "first_seconds": times[0], "evaluations": len(steps)}


def generator_torch(task: Task) -> Figures:
    """The generator in eager torch."""
    _torch(task.device)
    from tests.bench.network import Network

    reference, image = Network(device=task.device), _photo_for_generator(task)
    figures = _timed(task, lambda: reference.run(image))
    return {**figures, "on": _TORCH}


def generator_ours(task: Task) -> Figures:
    """The generator with one of our backends."""
    _check(task)
    width, height = task.size
    image = _photo_for_generator(task)
    graph = generator_graph(generator.NAME)
    kind = backend_class(task.backend)
    with kind(graph, height=height, width=width, folder=Path(task.folder)) as backend:
        figures = _timed(task, lambda: backend.run({"image": image})["picture"])
    return {**figures, "on": _on(task, graph.name)}


KINDS: Mapping[str, Callable[[Task], Figures]] = {
    each.__name__: each  # type: ignore[attr-defined]
    for each in (
        peaks,
        graphs,
        network,
        engines,
        recipe,
        descent,
        graph_run,
        painting,
        generator_torch,
        generator_ours,
    )
}


def main(arguments: List[str]) -> int:
    """Take the figures of the task and write them; returns 1 after an error told in one line."""
    sys.excepthook = _report
    task = Task.from_json(arguments[0])
    try:
        figures = _watched(task)
    except (JetbrushError, DriverError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    Path(arguments[1]).write_text(json.dumps(figures), encoding="utf-8")
    return 0


def _report(kind: Type[BaseException], error: BaseException, trace: Any) -> None:
    """The traceback, and in one line what it ends with: CUDA puts advice for developers last."""
    traceback.print_exception(kind, error, trace)
    first = (str(error).strip().splitlines() or [""])[0]
    print(f"{kind.__name__}: {first}", file=sys.stderr)


def _watched(task: Task) -> Figures:
    """The figures, with the most memory that taking them took where there is a GPU."""
    run = KINDS[task.kind]
    if task.device != "cuda":
        return run(task)
    with Driver().watched() as memory:
        figures = run(task)
    return {**figures, "peak_mib": round(memory.peak_mib)}


def _torch(device: str) -> Any:
    """torch; raises `BackendUnavailable` if it cannot compute on `device`."""
    try:
        import torch
    except ImportError as error:
        raise BackendUnavailable(f"PyTorch is not installed ({error}).") from error
    if device == "cuda" and not torch.cuda.is_available():
        raise BackendUnavailable(f"PyTorch {torch.__version__} cannot use the GPU.")
    return torch


def _check(task: Task) -> None:
    """Raise `BackendUnavailable` where `pyt` would quietly compute on the CPU."""
    if task.backend == "pyt":
        _torch(task.device)


def _on(task: Task, graph: str) -> str:
    """What the backend computes with."""
    if task.backend == "trt":
        # Under this name TensorRT-RTX is imported too.
        import tensorrt  # type: ignore[import-not-found]

        sidecar = Path(task.folder) / sidecar_file(graph_named(graph, Path(task.folder)), task.size)
        record = EngineRecord.from_json(sidecar.read_text())
        return f"{tensorrt.__version__}, {record.precision}"
    return backend_class(task.backend).check(Path(task.folder)).rpartition(", ")[2]


def _timed(task: Task, run: Callable[[], np.ndarray]) -> Figures:
    # The first run finds out how to go on.
    result = run()
    seconds = generator.in_turns({"": run}, task.repeats)[""]
    reference = np.load(Path(task.folder) / REFERENCE)
    return {"seconds": seconds, "psnr": round(generator.psnr(result, reference), 1)}


def _pair(task: Task) -> List[np.ndarray]:
    """Photo and style, the middle of each, float32 [1, 3, H, W] in [0, 1]."""
    pictures = read_picture(Path(task.photo)), read_picture(find_style(task.style))
    return [to_array(ImageOps.fit(each, task.size, Image.Resampling.LANCZOS)) for each in pictures]


def _photo_for_generator(task: Task) -> np.ndarray:
    return generator.picture(read_picture(Path(task.photo)), task.size[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
