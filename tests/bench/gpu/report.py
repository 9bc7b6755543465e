"""The rows of `make bench-gpu`'s table, in Markdown; a cell is empty where nothing was measured."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence, Tuple

Figures = Mapping[str, Any]

#: The columns after what was run and with what: the key of each in the figures, and its form.
_COLUMNS: Sequence[Tuple[str, str, Callable[[Any], str]]] = (
    ("Evaluations", "evaluations", str),
    ("Seconds each", "seconds_per_evaluation", "{:.5f}".format),
    ("GFLOP/s", "gflops", "{:.0f}".format),
    ("Of FP32", "of_float32", "{:.0%}".format),
    ("Of FP16", "of_float16", "{:.0%}".format),
    ("Seconds", "seconds", "{:.4f}".format),
    ("Speed-up", "speedup", "{:.2f}".format),
    ("MiB", "peak_mib", "{:.0f}".format),
)

HEADER = "\n".join(
    (
        f"| What | With | {' | '.join(name for name, _, _ in _COLUMNS)} | Remark |",
        "|---" * (len(_COLUMNS) + 3) + "|",
    )
)


def row(what: str, name: str, figures: Figures) -> str:
    """The row of one part; one that did not run has its reason as the remark."""
    cells = [form(figures[key]) if key in figures else "" for _, key, form in _COLUMNS]
    return f"| {what} | {name} | {' | '.join((*cells, _remark(figures)))} |"


def _remark(figures: Figures) -> str:
    if "reason" in figures:
        return f"not run: {figures['reason']}"
    remarks = [figures["on"]] if "on" in figures else []
    if "psnr" in figures:
        remarks.append(f"PSNR {figures['psnr']:.1f} dB against float32 on the CPU")
    if not figures.get("reached", True):
        remarks.append("the reference's loss was not reached")
    return "; ".join(remarks)
