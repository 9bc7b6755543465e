"""`python -m runtime doctor`: what was found on this machine, and what to do about what is not."""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict
from typing import Iterator

from runtime.backends import AUTO, PREFERENCE, backend_class, candidates
from runtime.catalog.generators import models
from runtime.catalog.styles import installed_styles
from runtime.errors import BackendUnavailable
from runtime.machine.findings import MISSING, NOTE, OK, Finding, report
from runtime.machine.jetson import examine_jetson
from runtime.spec import engines as spec_engines
from runtime.spec.graphs import best_objective, features_graph, gatys_graph
from runtime.spec.vgg import OBJECTIVES, POOLINGS, Objective

_SETUP = "`make setup` installs it where it can run."
_ADVICE = {"pyt": "Only a machine with a CUDA GPU gains by it: `pip install torch`."}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `doctor`."""
    parser = commands.add_parser("doctor", help="say what was found here and what is missing")
    parser.add_argument("--json", action="store_true", help="as a list of objects, for programs")
    parser.set_defaults(run=_run)


def examine() -> Iterator[Finding]:
    """Look at Python, a Jetson's state, the backends, graphs, engines and styles, in that order."""
    yield _python()
    yield from examine_jetson()
    yield from _backends()
    yield from _libraries()
    for objective in OBJECTIVES.values():
        yield _graphs(objective)
    yield _generators()
    yield from _engines()
    yield _styles()


def _run(args: argparse.Namespace) -> int:
    findings = list(examine())
    if args.json:
        print(json.dumps([asdict(each) for each in findings], ensure_ascii=False, indent=2))
    else:
        print(report(findings))
    # Without a backend or without any graph nothing can be painted.
    unusable = {"painting", "classic"} & {each.topic for each in findings if each.state == MISSING}
    return 1 if unusable else 0


def _python() -> Finding:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", OK, text)


def _backends() -> Iterator[Finding]:
    for name in PREFERENCE:
        try:
            yield Finding(name, OK, backend_class(name).check())
        except BackendUnavailable as error:
            yield Finding(name, NOTE, str(error), _ADVICE.get(name, _SETUP))
    try:
        yield Finding("painting", OK, f"with {next(candidates(AUTO)).name}")
    except BackendUnavailable as error:
        yield Finding("painting", MISSING, str(error), _SETUP)


def _libraries() -> Iterator[Finding]:
    """TensorRT's two versions, where both are there."""
    # Imported here, as the other backends are: on their demand only.
    from runtime.backends.trt_device import import_vendors
    from runtime.backends.trt_plan import library_version

    try:
        bindings = str(import_vendors()[0].__version__)
    except BackendUnavailable:
        return
    digits = library_version(bindings)
    if not digits.isdigit():
        yield Finding("tensorrt", NOTE, f"bindings {bindings}, a library that tells no version")
        return
    number = int(digits)
    # 8201 is 8.2.1, but 100300 is 10.3.0.
    major, rest = divmod(number, 10_000 if number >= 10_000 else 1000)
    library = f"{major}.{rest // 100}.{rest % 100}"
    text = f"bindings {bindings}, library {library}"
    if bindings.startswith(library):
        yield Finding("tensorrt", OK, text)
    else:
        advice = "One was upgraded alone: reinstall both from the same JetPack."
        yield Finding("tensorrt", NOTE, text, advice)


def _graphs(objective: Objective) -> Finding:
    files = [
        describe(objective, POOLINGS[0]).onnx_file for describe in (features_graph, gatys_graph)
    ]
    missing = [name for name in files if not (spec_engines.ENGINES / name).exists()]
    if not missing:
        return Finding(objective.name, OK, f"{', '.join(files)} in {spec_engines.ENGINES}")
    advice = "Run `make onnx`."
    if objective.name != "classic":
        advice = "Run `make weights onnx`: the deep weights are fetched, 20 MB."
    return Finding(
        objective.name, MISSING, f"{', '.join(missing)} not in {spec_engines.ENGINES}", advice
    )


def _generators() -> Finding:
    names = ", ".join(models())
    if not names:
        return Finding(
            "models", NOTE, f"no generator in {spec_engines.ENGINES}", "Run `make weights onnx`."
        )
    return Finding("models", OK, names)


def _engines() -> Iterator[Finding]:
    """One line a graph whose ONNX file is there; one in all where engines cannot be used."""
    # Imported here, as the other backends are: on their demand only.
    from runtime.backends.trt_survey import survey

    objective = best_objective(spec_engines.ENGINES)
    graphs = [describe(objective, POOLINGS[0]) for describe in (features_graph, gatys_graph)]
    graphs += [model.graph for model in models().values()]
    for graph in graphs:
        try:
            found = survey(graph, spec_engines.ENGINES)
        except BackendUnavailable as error:
            yield Finding(
                "engines", NOTE, str(error), "They are for NVIDIA GPUs; others do without."
            )
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
        return Finding("styles", MISSING, "no picture in styles/", "Check the files out again.")
    return Finding("styles", OK, names, "`make styles` adds famous paintings.")
