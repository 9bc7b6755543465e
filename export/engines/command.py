"""`python -m export engines`: builds the TensorRT engines of all graphs, one process for each.

Exit codes: 0 all engines are built, 1 an engine could not be built or an argument was wrong,
3 TensorRT, pycuda or the GPU is missing (the ONNX files are written all the same).
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import List, Mapping

from export.engines.driver import BuildHost, build, probe_host, write_onnx
from export.engines.forecast import Forecast, announcement
from export.engines.job import Job, graph_named
from export.engines.order import before_first_photo, in_order
from export.engines.preflight import warnings
from export.engines.progress import Progress
from export.engines.staleness import why_invalid
from export.engines.turn import MEMORY_PATIENCE_S, Turn
from export.engines.work import work_of
from export.errors import BuilderBusy, CannotBuild, DiskFull, EngineFailed
from export.graphs.command import add_vgg
from export.sources.vgg_sets import check_installed
from runtime.backends.trt_plan import read_plan
from runtime.errors import GraphMissing, StaleEngine
from runtime.spec.engine_progress import Activity, in_minutes
from runtime.spec.engine_sizes import SIDE_STEP, Device
from runtime.spec.engines import EngineRecord, Size, planned_sizes
from runtime.spec.folder import DEFAULT_ENGINES, best_objective, graphs_in, recorded_weights
from runtime.spec.graphs import GraphSpec
from runtime.spec.turns import building
from runtime.spec.vgg import CLASSIC

#: The exit code on a machine that cannot build engines.
NOT_A_BUILDER = 3


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `engines`."""
    parser = subparsers.add_parser(
        "engines",
        help="build TensorRT engines on the machine that will run them",
        description="Builds the engines that are missing or stale, and keeps the others: a second "
        "run continues where the first one stopped. While the bot paints with engines of the same "
        "folder, the build pauses. Exit codes: 0 all are built, 1 one could not be "
        f"built, {NOT_A_BUILDER} TensorRT, pycuda or the GPU is missing (the ONNX files are written).",
    )
    parser.add_argument(
        "graphs",
        nargs="*",
        metavar="GRAPH",
        help="build engines of this graph, such as gatys-deep-average-vgg19 or generator-vintage "
        "(default: all graphs that painting uses by default)",
    )
    parser.add_argument(
        "--size",
        action="append",
        type=_size,
        metavar="WxH",
        help="build this size only, such as 384x288; may be given several times",
    )
    parser.add_argument(
        "--first",
        action="store_true",
        help="build only the engines that the first photo waits for",
    )
    add_vgg(parser, default="", meaning="those that they paint with now")
    parser.add_argument(
        "-o", "--output", type=Path, default=DEFAULT_ENGINES, help="the engines folder"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the graphs and build their engines; returns the exit code.

    Raises `BuilderBusy` while another process builds in the same folder.
    """
    folder: Path = args.output
    args.vgg = args.vgg or recorded_weights(folder)
    check_installed(args.vgg)
    folder.mkdir(parents=True, exist_ok=True)
    with building(folder) as alone:
        if not alone:
            raise BuilderBusy(
                f"Another process builds engines in {folder}. If it is the service, see "
                "`systemctl status jetbrush-engines`, and `sudo systemctl stop jetbrush-engines` "
                "ends it."
            )
        return _run(args, folder)


def _run(args: argparse.Namespace, folder: Path) -> int:
    write_onnx(folder, args.vgg)
    try:
        here = probe_host()
    except CannotBuild as error:
        print(f"error: {error}", file=sys.stderr)
        print(f"The ONNX files are in {folder}; run `make engines` on the machine with the GPU.")
        return NOT_A_BUILDER
    for each in warnings():
        print(f"warning: {each}", file=sys.stderr)
    jobs = _jobs(_wanted(args.graphs, folder, args.vgg), args, here)
    is_whole = not (args.graphs or args.size)
    if is_whole:
        _remove_stale_extras(jobs, here)
    todo = {}
    for job in jobs:
        reason = why_invalid(job, here.host)
        if reason:
            todo[job] = reason
    if is_whole:
        _remove_refused(todo, here)
    print(f"{len(jobs)} engines, {len(jobs) - len(todo)} of them built, {len(todo)} to build.")
    forecast = _forecast(jobs, todo, here.device)
    progress = Progress(folder if is_whole else None, len(jobs), list(todo), forecast)
    if args.first:
        first = jobs[: before_first_photo(job.graph for job in jobs)]
        todo = {job: reason for job, reason in todo.items() if job in first}
    if todo:
        for line in announcement(list(todo), forecast, shutil.disk_usage(folder).free):
            print(line)
    patience = MEMORY_PATIENCE_S if progress.for_systemd else 0
    turn = Turn(folder, progress.tell, memory_patience=patience)
    try:
        return _build_all(todo, forecast, progress, turn)
    finally:
        progress.tell(Activity.STOPPED)


def _remove_stale_extras(jobs: List[Job], here: BuildHost) -> None:
    """Delete stale engines of sizes that are not built any more: a photo might choose them."""
    names = {job.name for job in jobs}
    for job in {job.graph: job for job in jobs}.values():
        for size in planned_sizes(job.graph, Path(job.folder)):
            extra = replace(job, size=size)
            reason = why_invalid(extra, here.host)
            if reason and extra.name not in names:
                _delete(extra, f"its size is not in the table ({reason})")


def _remove_refused(todo: Mapping[Job, str], here: BuildHost) -> None:
    """Delete engines that no painting can load: until they are built, a photo might choose them."""
    for job, reason in todo.items():
        try:
            read_plan(job.graph, job.size, Path(job.folder), here.host)
        except StaleEngine:
            _delete(job, f"it cannot be loaded here any more ({reason})")
        except GraphMissing:
            continue


def _delete(job: Job, reason: str) -> None:
    print(f"{job.name}: deleted, as {reason}.")
    for path in (job.plan, job.sidecar):
        if path.exists():
            path.unlink()


def _forecast(jobs: List[Job], todo: Mapping[Job, str], device: Device) -> Forecast:
    """The forecast for this machine, with what the engines that are there have taken."""
    graphs = {job.graph.name: job.graph for job in jobs}
    forecast = Forecast(work_of(list(graphs.values()), Path(jobs[0].folder)), device.kind)
    for job in jobs:
        if job not in todo:
            forecast.learn(job, EngineRecord.from_json(job.sidecar.read_text()).seconds)
    return forecast


def _build_all(todo: Mapping[Job, str], forecast: Forecast, progress: Progress, turn: Turn) -> int:
    left = list(todo)
    for index, (job, reason) in enumerate(todo.items(), start=1):
        print(f"[{index}/{len(todo)}] {job.name}: {reason}", flush=True)
        left.remove(job)
        try:
            seconds = build(job, turn)
        except DiskFull as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except EngineFailed as error:
            print(f"error: {error}", file=sys.stderr)
            progress.ended(job, built=False)
            continue
        forecast.learn(job, seconds)
        progress.ended(job, built=True)
        rest = f", about {in_minutes(forecast.of(left).seconds)} left" if left else ""
        print(f"    built and tested in {seconds:.0f} s{rest}", flush=True)
    if progress.failed:
        names = ", ".join(job.name for job in progress.failed)
        print(f"Not built: {names}.", file=sys.stderr)
    return 1 if progress.failed else 0


def _wanted(names: List[str], folder: Path, weights: str) -> List[GraphSpec]:
    """The graphs to build engines of: those called `names`, else those that painting uses.

    Raises `ExportError` for a name without an ONNX file.
    """
    if names:
        return [graph_named(name, folder) for name in names]
    # The coarse stage has the best objective, the fine stage always the classic one.
    objectives = (best_objective(folder, weights), CLASSIC)
    return [
        each
        for each in graphs_in(folder)
        if each.objective is None or (each.weights == weights and each.objective in objectives)
    ]


def _jobs(graphs: List[GraphSpec], args: argparse.Namespace, here: BuildHost) -> List[Job]:
    """One job for each engine, in the order of building."""
    folder: Path = args.output
    sums = {
        each.name: hashlib.sha256((folder / each.onnx_file).read_bytes()).hexdigest()
        for each in graphs
    }
    if args.size:
        engines = [(graph, size) for size in args.size for graph in graphs]
    else:
        engines = in_order(graphs, best_objective(folder, args.vgg), here.device)
    return [
        Job(
            graph=graph,
            size=size,
            folder=str(folder),
            onnx_sha256=sums[graph.name],
            precision=here.precision,
            workspace_mib=0,
        )
        for graph, size in engines
    ]


def _size(text: str) -> Size:
    width, cross, height = text.partition("x")
    if not (cross and width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 384x288")
    size = int(width), int(height)
    if any(side % SIDE_STEP or not side for side in size):
        raise argparse.ArgumentTypeError(
            f"{text}: width and height must be multiples of {SIDE_STEP}"
        )
    return size
