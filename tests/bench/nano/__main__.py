"""`python -m tests.bench.nano` prints the forecast of docs/benchmarks.md, as Markdown.

Exit codes: 0 every picture takes at most the wanted seconds, 1 one takes longer.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Callable, List, Optional

from export.engines.order import in_order
from runtime.spec.engine_sizes import Stage
from runtime.spec.folder import DEFAULT_ENGINES, best_objective
from runtime.spec.graphs import GraphSpec, features_graph, gatys_graph, sketch_graph
from runtime.spec.vgg import AVERAGE, CLASSIC, VGG19, Objective
from tests.bench.nano import forecast
from tests.bench.nano.forecast import Painting

_STAGES = "| Stage | Size | GFLOP | Traffic | Convolutions | Gram products | Other nodes | \
Optimiser | One evaluation | GPU memory | Board memory |"
_SKETCHES = f"| Sketch | GFLOP | Traffic | One sketch | Sheet of {forecast.SHEET_STYLES} |"
_PICTURES = "| Fine size | Coarse | Fine | Other | Picture |"


def main(arguments: Optional[List[str]] = None) -> int:
    """Print both tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.nano", description=__doc__)
    parser.add_argument("--engines", type=Path, default=DEFAULT_ENGINES, help="the graphs")
    parser.add_argument("--coarse", type=int, default=90, help="evaluations of the coarse stage")
    parser.add_argument("--fine", type=int, default=10, help="evaluations of the fine stage")
    parser.add_argument("--most", type=float, default=40.0, help="seconds that a picture may take")
    args = parser.parse_args(arguments)
    coarse = best_objective(args.engines, VGG19)
    evaluations = {Stage.COARSE: args.coarse, Stage.FINE: args.fine}
    pairs = forecast.paintings(args.engines, coarse, evaluations)
    print(_header(_STAGES))
    for stage in sorted({each for pair in pairs for each in pair}, key=_rank):
        print(_stage_row(stage))
    print(f"\n{_header(_PICTURES)}")
    totals = []
    for first, second in pairs:
        seconds = first.seconds + second.seconds + forecast.OTHER_S
        totals.append(seconds)
        print(
            f"| {_words(second)} | {first.seconds:.1f} s | {second.seconds:.1f} s "
            f"| {forecast.OTHER_S:.0f} s | {seconds:.0f} s |"
        )
    if (args.engines / sketch_graph().onnx_file).exists():
        _print_sketches(args.engines)
    print(f"\n{_building(pairs, coarse)}")
    return 0 if max(totals) <= args.most else 1


def _print_sketches(engines: Path) -> None:
    """The sketches, and a sheet of them whose styles are known."""
    numbers, sketches = forecast.sketches(engines)
    print(f"\n{_header(_SKETCHES)}")
    for each in sketches:
        sheet = forecast.SHEET_STYLES * each.seconds + forecast.SHEET_OTHER_S
        print(
            f"| {each.size[0]}x{each.size[1]} | {each.cost.gflop:.1f} "
            f"| {each.cost.traffic / 1e9:.2f} GB | {each.seconds:.3f} s | {sheet:.1f} s |"
        )
    print(f"\nThe numbers of a style: {numbers:.3f} s, once for each.")


def _header(names: str) -> str:
    return f"{names}\n{'|---' * (names.count('|') - 1)}|"


def _rank(stage: Painting) -> object:
    return stage.stage is Stage.FINE, -stage.size[0] * stage.size[1]


def _words(stage: Painting) -> str:
    return "{}x{}".format(*stage.size)


def _stage_row(stage: Painting) -> str:
    cost = stage.evaluation
    parts = (
        cost.convolution_flop / (forecast.REACHED * forecast.FP16_FLOPS),
        cost.product_flop / (forecast.REACHED * forecast.FP32_FLOPS),
        cost.traffic / forecast.BYTES_PER_S,
        stage.optimiser_seconds,
        stage.seconds_each,
    )
    cells = (
        stage.stage.value,
        _words(stage),
        f"{cost.gflop:.0f}",
        f"{cost.traffic / 1e9:.2f} GB",
        *(f"{seconds:.3f} s" for seconds in parts),
        f"{stage.gpu_mib:.0f} MiB",
        f"{forecast.memory_mib(stage) / 1024:.1f} GiB",
    )
    return f"| {' | '.join(cells)} |"


def _building(pairs: List[tuple[Painting, Painting]], coarse: Objective) -> str:
    objectives = {Stage.COARSE: coarse, Stage.FINE: CLASSIC}

    def seconds(stage: Painting, *kinds: Callable[[Objective, str], GraphSpec]) -> float:
        graphs = [kind(objectives[stage.stage], AVERAGE) for kind in kinds]
        return sum(forecast.build_seconds(stage, graph) for graph in graphs)

    first = sum(seconds(stage, gatys_graph) for stage in pairs[0])
    graphs = [g(o, AVERAGE) for o in {coarse, CLASSIC} for g in (features_graph, gatys_graph)]
    count = len(in_order(graphs, coarse, forecast.NANO))
    stages = {stage for pair in pairs for stage in pair}
    whole = sum(
        seconds(each, features_graph, gatys_graph) * (1 if each.size[0] == each.size[1] else 2)
        for each in stages
    )
    return (
        f"Building: the 2 engines of the first photo {first / 60:.0f} min, all {count} of painting "
        f"{whole / 3600:.1f} h."
    )


if __name__ == "__main__":
    sys.exit(main())
