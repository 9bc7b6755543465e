"""The lines of `make bench-gpu`'s table: a dash stands for what could not be measured."""

from __future__ import annotations

from typing import Any, Mapping, Optional

Figures = Mapping[str, Any]

HEADER = (
    f"{'what':40}{'with':14}{'evals':>6}{'s/eval':>10}{'GFLOP/s':>9}{'of fp32':>9}{'of fp16':>9}"
    f"{'seconds':>10}{'speed-up':>10}{'MiB':>7}"
)


def gatys_line(pair: str, name: str, figures: Figures) -> str:
    """The line of one painting."""
    if "reason" in figures:
        return f"{pair:40}{name:14}not run: {figures['reason']}"
    remark = "" if figures.get("reached", True) else "; the reference's loss was not reached"
    return (
        f"{pair:40}{name:14}{figures['evaluations']:6}"
        f"{_number(figures['seconds_per_evaluation'], 10, 5)}{_shared(figures)}{remark}"
    )


def generator_line(model: str, name: str, figures: Figures) -> str:
    """The line of one run of a generator."""
    if "reason" in figures:
        return f"{model:40}{name:14}not run: {figures['reason']}"
    return (
        f"{model:40}{name:14}{'':6}{'':10}{_shared(figures)}; PSNR {figures['psnr']:.1f} dB against "
        "float32 on the CPU"
    )


def _shared(figures: Figures) -> str:
    return (
        _number(figures.get("gflops"), 9, 0)
        + _share(figures.get("of_float32"))
        + _share(figures.get("of_float16"))
        + _number(figures["seconds"], 10, 4)
        + _number(figures.get("speedup"), 9, 2)
        + ("x" if "speedup" in figures else " ")
        + _number(figures.get("peak_mib"), 7, 0)
        + f"  {figures['on']}"
    )


def _number(value: Optional[float], width: int, digits: int) -> str:
    return "-".rjust(width) if value is None else f"{value:{width}.{digits}f}"


def _share(value: Optional[float]) -> str:
    return "-".rjust(9) if value is None else f"{value:9.0%}"
