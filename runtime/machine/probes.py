"""Findings that need a vendor's library, each probe in a process of its own.

A library that crashes ends that process only, and its memory is free for the next one.
`python -m runtime.machine.probes PROBE ENGINES` prints a probe's findings as a line of JSON.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List

from runtime.backends import AUTO, PREFERENCE, backend_class, candidates
from runtime.catalog.generators import models
from runtime.errors import BackendUnavailable, GraphMismatch
from runtime.machine.findings import MISSING, NOTE, OK, Finding
from runtime.machine.nvidia import tensorrt_cure
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

#: The probes beside those of the backends, and the topics of their findings.
PAINTING, TENSORRT, ENGINES = "painting", "tensorrt", "engines"

#: Loading a library from a Jetson's SD card takes long, and so does reading all engines.
_PATIENCE_S = 300

#: What the findings follow in a probe's output: a library may print lines of its own.
_MARK = "findings: "

_ROOT = Path(__file__).resolve().parent.parent.parent

_SETUP = "`make setup` installs it where it can run."
_ADVICE = {"pyt": "It is useful on a machine with a CUDA GPU only: `pip install torch`."}
_CRASHED = (
    "Its build does not suit this machine, or its driver: `make setup` installs what was tested."
)


def probe(name: str, engines: Path) -> List[Finding]:
    """The findings of a probe, made in a process of its own; one finding if that fails.

    `name` is one of `PROBES`, `engines` the folder of graphs and engines.
    """
    command = [sys.executable, "-m", "runtime.machine.probes", name, str(engines.resolve())]
    try:
        done = subprocess.run(
            command,
            cwd=str(_ROOT),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [
            Finding(name, MISSING, f"its library hangs: no answer in {_PATIENCE_S} s", _CRASHED)
        ]
    if done.returncode:
        return [Finding(name, MISSING, _how_it_failed(done), _CRASHED)]
    text = done.stdout.decode(errors="replace").partition(_MARK)[2]
    return [Finding(**values) for values in json.loads(text.splitlines()[0])]


def main(arguments: List[str]) -> int:
    """Print the findings of a probe."""
    name, engines = arguments
    print(_MARK + json.dumps([asdict(each) for each in PROBES[name](Path(engines))]), flush=True)
    return 0


def _how_it_failed(done: subprocess.CompletedProcess[bytes]) -> str:
    said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
    last = f" ({said[0]})" if said else ""
    if done.returncode > 0:
        return f"its library ends the process with exit code {done.returncode}{last}"
    number = -done.returncode
    known = number in set(signal.Signals)
    return f"its library crashes: {signal.Signals(number).name if known else number}{last}"


def _backend(name: str, engines: Path) -> Iterator[Finding]:
    try:
        yield Finding(name, OK, backend_class(name).check(engines))
    except BackendUnavailable as error:
        yield Finding(name, NOTE, str(error), _advice(name, error))


def _painting(engines: Path) -> Iterator[Finding]:
    try:
        yield Finding(PAINTING, OK, f"with {next(candidates(AUTO, engines)).name}")
    except BackendUnavailable as error:
        yield Finding(PAINTING, MISSING, str(error), _SETUP)


def _advice(name: str, error: BackendUnavailable) -> str:
    """What to do about a backend that cannot run; the error names the cure of some of TensorRT's."""
    if name != "trt":
        return _ADVICE.get(name, _SETUP)
    return tensorrt_cure() if isinstance(error.__cause__, ModuleNotFoundError) else ""


def _libraries(engines: Path) -> Iterator[Finding]:
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
        yield Finding(TENSORRT, NOTE, f"bindings {bindings}, a library of no version")
        return
    number = int(digits)
    # 8201 is 8.2.1, but 100300 is 10.3.0.
    major, rest = divmod(number, 10_000 if number >= 10_000 else 1000)
    library = f"{major}.{rest // 100}.{rest % 100}"
    text = f"bindings {bindings}, library {library}"
    if bindings.startswith(library):
        yield Finding(TENSORRT, OK, text)
    else:
        advice = "Only one was upgraded: reinstall both from the same JetPack."
        yield Finding(TENSORRT, NOTE, text, advice)


def vgg_graphs(objective: Objective, weights: str) -> List[GraphSpec]:
    """The graphs of an objective that painting uses by default."""
    return [graph(objective, POOLINGS[0], weights) for graph in (features_graph, gatys_graph)]


def _engines(engines: Path) -> Iterator[Finding]:
    """One finding for each graph that painting uses, or a single one without a GPU."""
    # Imported here: a backend's module is imported only when it is needed.
    from runtime.machine.survey import survey

    try:
        weights = recorded_weights(engines)
    except GraphMismatch:
        # Another finding is about that.
        weights = VGG19
    coarse = best_objective(engines, weights)
    # The fine stage is always classic.
    objectives = dict.fromkeys((coarse.name, CLASSIC.name))
    graphs = [each for name in objectives for each in vgg_graphs(OBJECTIVES[name], weights)]
    graphs += [model.graph for model in models(engines).values()]
    others = (faces_graph(), style_vector_graph(), sketch_graph())
    graphs += [each for each in others if (engines / each.onnx_file).exists()]
    for graph in graphs:
        try:
            found = survey(graph, coarse, engines)
        except BackendUnavailable as error:
            yield Finding(ENGINES, NOTE, str(error), _advice("trt", error))
            return
        text = f"{graph.name}: {len(found.built)} built"
        text += f", {len(found.stale)} stale" if found.stale else ""
        text += f", {len(found.missing)} missing" if found.missing else ""
        reason = next(iter(found.stale.values()), "")
        if found.stale or found.missing:
            yield Finding(ENGINES, MISSING, text, reason or "Run `make engines`.")
        else:
            yield Finding(ENGINES, OK, text)


#: What each probe finds in the folder of graphs and engines.
PROBES: Dict[str, Callable[[Path], Iterable[Finding]]] = {
    **{name: partial(_backend, name) for name in PREFERENCE},
    PAINTING: _painting,
    TENSORRT: _libraries,
    ENGINES: _engines,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
