"""`python -m runtime doctor`: what is installed on this machine, and how to install the rest."""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Iterator, List, Sequence

from runtime.backends import AUTO, PREFERENCE, backend_class, candidates
from runtime.catalog.generators import models
from runtime.catalog.styles import installed_styles
from runtime.errors import BackendUnavailable, GraphMismatch
from runtime.machine.findings import MISSING, NOTE, OK, Finding, report
from runtime.machine.jetson import examine_jetson
from runtime.machine.nvidia import examine_gpu, tensorrt_cure
from runtime.machine.resources import is_jetson
from runtime.spec.folder import best_objective, recorded_weights
from runtime.spec.graphs import (
    GraphSpec,
    faces_graph,
    features_graph,
    gatys_graph,
    sketch_graph,
    style_vector_graph,
)
from runtime.spec.vgg import CLASSIC, OBJECTIVES, POOLINGS, VGG19, Objective

_SETUP = "`make setup` installs it where it can run."
_ADVICE = {"pyt": "It is useful on a machine with a CUDA GPU only: `pip install torch`."}


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
    yield from _backends(engines)
    yield from _libraries()
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
    yield from _engines(weights, engines)
    yield _styles()


def _run(args: argparse.Namespace) -> int:
    findings = list(examine(args.engines))
    if args.json:
        print(json.dumps([asdict(each) for each in findings], ensure_ascii=False, indent=2))
    else:
        print(report(findings))
    # Nothing can be painted without a backend or a graph.
    unusable = {"painting", "weights", "classic"} & {
        each.topic for each in findings if each.state == MISSING
    }
    return 1 if unusable else 0


def _python() -> Finding:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", OK, text)


def _backends(engines: Path) -> Iterator[Finding]:
    for name in PREFERENCE:
        try:
            yield Finding(name, OK, backend_class(name).check(engines))
        except BackendUnavailable as error:
            yield Finding(name, NOTE, str(error), _advice(name, error))
    try:
        yield Finding("painting", OK, f"with {next(candidates(AUTO, engines)).name}")
    except BackendUnavailable as error:
        yield Finding("painting", MISSING, str(error), _SETUP)


def _advice(name: str, error: BackendUnavailable) -> str:
    """What to do about a backend that cannot run; the error names the cure of some of TensorRT's."""
    if name != "trt":
        return _ADVICE.get(name, _SETUP)
    return tensorrt_cure() if isinstance(error.__cause__, ModuleNotFoundError) else ""


def _libraries() -> Iterator[Finding]:
    """The versions of TensorRT's bindings and library, where both are installed."""
    # Imported here: a backend's module is imported only when it is needed.
    from runtime.backends.trt_device import import_vendors
    from runtime.backends.trt_plan import library_version

    try:
        bindings = str(import_vendors()[0].__version__)
    except BackendUnavailable:
        return
    digits = library_version(bindings)
    if not digits.isdigit():
        yield Finding("tensorrt", NOTE, f"bindings {bindings}, a library of no version")
        return
    number = int(digits)
    # 8201 is 8.2.1, but 100300 is 10.3.0.
    major, rest = divmod(number, 10_000 if number >= 10_000 else 1000)
    library = f"{major}.{rest // 100}.{rest % 100}"
    text = f"bindings {bindings}, library {library}"
    if bindings.startswith(library):
        yield Finding("tensorrt", OK, text)
    else:
        advice = "Only one was upgraded: reinstall both from the same JetPack."
        yield Finding("tensorrt", NOTE, text, advice)


def _vgg_graphs(objective: Objective, weights: str) -> List[GraphSpec]:
    return [graph(objective, POOLINGS[0], weights) for graph in (features_graph, gatys_graph)]


def _graphs(objective: Objective, weights: str, engines: Path) -> Finding:
    files = [graph.onnx_file for graph in _vgg_graphs(objective, weights)]
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


def _engines(weights: str, engines: Path) -> Iterator[Finding]:
    """One finding for each graph that painting uses, or a single one without a GPU."""
    # Imported here: a backend's module is imported only when it is needed.
    from runtime.machine.survey import survey

    coarse = best_objective(engines, weights)
    # The fine stage is always classic.
    objectives = dict.fromkeys((coarse.name, CLASSIC.name))
    graphs = [each for name in objectives for each in _vgg_graphs(OBJECTIVES[name], weights)]
    graphs += [model.graph for model in models(engines).values()]
    others = (faces_graph(), style_vector_graph(), sketch_graph())
    graphs += [each for each in others if (engines / each.onnx_file).exists()]
    for graph in graphs:
        try:
            found = survey(graph, coarse, engines)
        except BackendUnavailable as error:
            yield Finding("engines", NOTE, str(error), _advice("trt", error))
            return
        text = f"{graph.name}: {len(found.built)} built"
        text += f", {len(found.stale)} stale" if found.stale else ""
        text += f", {len(found.missing)} missing" if found.missing else ""
        reason = next(iter(found.stale.values()), "")
        if found.stale or found.missing:
            yield Finding("engines", MISSING, text, reason or "Run `make engines`.")
        else:
            yield Finding("engines", OK, text)


def _styles() -> Finding:
    names = ", ".join(installed_styles())
    if not names:
        return Finding(
            "styles", MISSING, "no picture in styles/", "Restore them with `git checkout styles`."
        )
    return Finding("styles", OK, names, "`make styles` adds famous paintings.")
