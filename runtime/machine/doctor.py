"""`python -m runtime doctor`: what is installed on this machine, and how to install the rest."""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Iterable, Iterator, Sequence

from runtime.backends import PREFERENCE
from runtime.catalog.generators import models
from runtime.catalog.styles import installed_styles
from runtime.errors import GraphMismatch
from runtime.machine.findings import MISSING, NOTE, OK, Finding, report
from runtime.machine.jetson import examine_jetson
from runtime.machine.nvidia import examine_gpu
from runtime.machine.probes import ENGINES, PAINTING, TENSORRT, probe, vgg_graphs
from runtime.machine.resources import is_jetson
from runtime.spec.engine_progress import Activity, read_progress
from runtime.spec.folder import recorded_weights
from runtime.spec.graphs import (
    GraphSpec,
    faces_graph,
    sketch_graph,
    style_vector_graph,
)
from runtime.spec.vgg import CLASSIC, OBJECTIVES, VGG19, Objective


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add the command `doctor`, which takes the folder of the graphs as `engines`."""
    parser = commands.add_parser("doctor", help="report what is installed and what is missing")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.set_defaults(run=_run)
    return parser


def examine(engines: Path) -> Iterator[Finding]:
    """Check Python, a Jetson's state, the backends, graphs, engines and styles, in that order.

    `engines` is the folder of graphs and engines.
    """
    yield _python()
    yield from examine_jetson() if is_jetson() else [examine_gpu()]
    for name in (*PREFERENCE, PAINTING, TENSORRT):
        yield from probe(name, engines)
    try:
        weights = recorded_weights(engines)
    except GraphMismatch as error:
        yield Finding("weights", MISSING, str(error))
        weights = VGG19
    for objective in OBJECTIVES.values():
        yield _graphs(objective, weights, engines)
    yield _generators(engines)
    yield _optional("faces", (faces_graph(),), engines, "faces are painted over like the rest", 7)
    sketches = (style_vector_graph(), sketch_graph())
    yield _optional("sketch", sketches, engines, "no photo can be sketched", 3)
    yield _videos()
    yield from probe(ENGINES, engines)
    yield from _progress(engines)
    yield _styles()


def is_unusable(findings: Iterable[Finding]) -> bool:
    """Whether nothing can be painted: for want of a backend, or of a graph."""
    needed = {PAINTING, "weights", "classic"}
    return any(each.topic in needed and each.state == MISSING for each in findings)


def _run(args: argparse.Namespace) -> int:
    findings = list(examine(args.engines))
    if args.json:
        print(json.dumps([asdict(each) for each in findings], ensure_ascii=False, indent=2))
    else:
        print(report(findings))
    return 1 if is_unusable(findings) else 0


def _python() -> Finding:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", OK, text)


def _graphs(objective: Objective, weights: str, engines: Path) -> Finding:
    files = [graph.onnx_file for graph in vgg_graphs(objective, weights)]
    missing = [name for name in files if not (engines / name).exists()]
    if not missing:
        return Finding(objective.name, OK, f"{', '.join(files)} in {engines}")
    advice = "Run `make onnx`."
    if weights != VGG19:
        advice = f"Run `make onnx VGG_WEIGHTS={weights}`, or without it for {VGG19}."
    elif objective != CLASSIC:
        advice = "Run `make weights onnx`, which downloads 20 MB of weights."
    return Finding(objective.name, MISSING, f"{', '.join(missing)} not in {engines}", advice)


def _generators(engines: Path) -> Finding:
    names = ", ".join(models(engines))
    if not names:
        return Finding("models", NOTE, f"no generator in {engines}", "Run `make weights onnx`.")
    return Finding("models", OK, names)


def _optional(
    name: str, graphs: Sequence[GraphSpec], engines: Path, without: str, megabytes: int
) -> Finding:
    """Whether the graphs of the weights `name`, which painting can do without, are there."""
    files = [graph.onnx_file for graph in graphs]
    missing = [file for file in files if not (engines / file).exists()]
    if not missing:
        return Finding(name, OK, f"{', '.join(files)} in {engines}")
    text = f"{', '.join(missing)} not in {engines}: {without}"
    return Finding(name, NOTE, text, f"Run `make weights onnx WEIGHTS={name}` ({megabytes} MB).")


def _videos() -> Finding:
    """Whether PyAV is there; it is not imported."""
    try:
        return Finding("videos", OK, f"PyAV {metadata.version('av')}")
    except metadata.PackageNotFoundError:
        text = "PyAV is not installed: no video can be repainted"
        return Finding("videos", NOTE, text, "Run `make setup`.")


def _progress(engines: Path) -> Iterator[Finding]:
    """How far the engines are built, until all of them are."""
    progress = read_progress(engines)
    if progress is None:
        return
    advice = ""
    if progress.activity is Activity.STOPPED:
        advice = "Run `sudo systemctl start jetbrush-engines`, or `make engines` in a checkout."
    yield Finding("building", NOTE, progress.in_words, advice)


def _styles() -> Finding:
    names = ", ".join(installed_styles())
    if not names:
        return Finding(
            "styles", MISSING, "no picture in styles/", "Restore them with `git checkout styles`."
        )
    return Finding("styles", OK, names, "`make styles` adds famous paintings.")
