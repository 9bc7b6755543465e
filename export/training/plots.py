"""The learning curves and the confusion matrix of a training run, drawn with matplotlib.

`Figure` alone draws with matplotlib's Agg renderer and keeps no global state; pyplot would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from export.training.checkpoint import Epoch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 100
_TRAINING, _VALIDATION, _GREY = "#c4541c", "#1f6fb4", "#777777"

#: The sides of the matrix's cells and, for cells that hold a number, the least, in pixels.
_MIN_CELL, _MAX_CELL, _NUMBERED_CELL = 12, 48, 26
#: The matrix is at most so many pixels wide, unless that would make its cells too small.
_MATRIX = 900


def draw_curves(history: Sequence[Epoch], best_epoch: int) -> Figure:
    """Loss and accuracy over the epochs, with both phases and the best epoch marked."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = Figure(figsize=(12, 4.4), dpi=_DPI, layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    epochs = [each.number for each in history]
    marker = "o" if len(history) <= 60 else ""
    for axes, training, validation in (
        (loss, "train_loss", "loss"),
        (accuracy, "train_accuracy", "accuracy"),
    ):
        for name, label, colour in (
            (training, "training", _TRAINING),
            (validation, "validation", _VALIDATION),
        ):
            values = [getattr(each, name) for each in history]
            axes.plot(epochs, values, color=colour, marker=marker, markersize=4, label=label)
        best = getattr(history[best_epoch - 1], validation)
        axes.plot(
            [best_epoch], [best], "*", color=_VALIDATION, markersize=15, markeredgecolor="white",
            label=f"best epoch: {best_epoch}", zorder=3,
        )  # fmt: skip
        axes.set_xlim(0.5, len(history) + 0.5)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(color="#e4e4e4")
        _mark_phases(axes, history)
    loss.set_ylabel("loss")
    loss.set_ylim(bottom=0)
    accuracy.set_ylabel("accuracy")
    accuracy.set_ylim(0, 1.04)
    accuracy.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    figure.legend(*loss.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def draw_confusion(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Figure:
    """Each row shows how the pictures of one class were classified, as shares of the row.

    Save it with `bbox_inches="tight"`: the axes fill the figure, so that every cell has whole
    pixels, and the labels lie around it.
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    counts = np.asarray(confusion, np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cell = min(_MAX_CELL, max(_MIN_CELL, _MATRIX // len(classes)))
    side = cell * len(classes) / _DPI
    figure = Figure(figsize=(side, side), dpi=_DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    # The exponent makes small shares visible.
    axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.6, vmin=0, vmax=1), interpolation="nearest")
    size = 9 if cell >= _NUMBERED_CELL else 7
    places = range(len(classes))
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(places, classes, rotation=90, fontsize=size)
    axes.set_yticks(places, classes, fontsize=size)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        # A folder's name may hold dollar signs, between which matplotlib would read a formula.
        label.set_parse_math(False)
    axes.set_xlabel("predicted class", labelpad=10)
    axes.set_ylabel("true class", labelpad=10)
    if cell >= _NUMBERED_CELL:
        for row, column in np.argwhere(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(
                column, row, f"{counts[row, column]:.0f}", color=colour, fontsize=size,
                ha="center", va="center",
            )  # fmt: skip
    return figure


def _mark_phases(axes: Any, history: Sequence[Epoch]) -> None:
    """Draw a dashed line where the second phase starts, and name the phases beside it."""
    first, last = history[0].phase, history[-1].phase
    if first == last:
        return
    border = sum(each.phase == first for each in history) + 0.5
    axes.axvline(border, color=_GREY, linestyle="--", linewidth=1)
    for phase, side, offset in ((first, "right", -5), (last, "left", 5)):
        axes.annotate(
            phase, (border, 1), xycoords=axes.get_xaxis_transform(), xytext=(offset, 4),
            textcoords="offset points", color=_GREY, ha=side, va="bottom", fontsize=9,
        )  # fmt: skip
