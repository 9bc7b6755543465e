"""Learning curves and confusion matrix: what is drawn, with which labels, and nothing overlaps."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from export.training.checkpoint import Epoch
from export.training.plots import draw_confusion, draw_curves

pytestmark = pytest.mark.any_python

pytest.importorskip("matplotlib")

TRAINING, VALIDATION, DARKEST = (196, 84, 28), (31, 111, 180), (8, 48, 107)


def history(count, head_epochs=2):
    return [
        Epoch(
            number=number,
            phase="new layers" if number <= head_epochs else "all layers",
            train_loss=4.6 / number,
            train_accuracy=1 - 1 / number,
            loss=4.0 / number,
            accuracy=1 - 0.9 / number,
            rate=0.001,
        )
        for number in range(1, count + 1)
    ]


def pixels(figure):
    """The picture as it is saved."""
    file = io.BytesIO()
    figure.savefig(file, bbox_inches="tight")
    return np.asarray(Image.open(file).convert("RGB"))


def lay_out(figure):
    """Draw it: only then do its texts have their places."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure).draw()


def is_colour(picture, colour):
    return np.abs(picture.astype(int) - colour).max(axis=2) < 8


@pytest.mark.parametrize("count", [1, 2, 28, 200])
def test_curves_of_short_and_long_trainings(count):
    figure = draw_curves(history(count), count)
    picture = pixels(figure)
    assert min(picture.shape[:2]) > 300
    # Both curves are there, in both panels, below the legend.
    for colour in (VALIDATION, TRAINING) if count > 1 else (VALIDATION,):
        columns = np.flatnonzero(is_colour(picture[60:], colour).any(axis=0))
        assert columns.min() < picture.shape[1] / 2 < columns.max()
    for axes, names in zip(figure.axes, (("train_loss", "loss"), ("train_accuracy", "accuracy"))):
        for name, line in zip(names, axes.get_lines()):
            expected = [getattr(each, name) for each in history(count)]
            np.testing.assert_array_equal(line.get_ydata(), expected)
            np.testing.assert_array_equal(line.get_xdata(), np.arange(1, count + 1))


def test_curves_move_with_the_values():
    rising = pixels(draw_curves(history(10), 10))
    flat = [Epoch(n, "all layers", 2.0, 0.5, 2.0, 0.5, 0.001) for n in range(1, 11)]
    assert (rising != pixels(draw_curves(flat, 1))).any(axis=2).sum() > 1000


def test_the_best_epoch_is_marked_where_it_is():
    figure = draw_curves(history(9), 7)
    for axes, name in zip(figure.axes, ("loss", "accuracy")):
        (star,) = [line for line in axes.get_lines() if line.get_marker() == "*"]
        assert list(star.get_xdata()) == [7]
        assert list(star.get_ydata()) == [getattr(history(9)[6], name)]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["training", "validation", "best epoch: 7"]


@pytest.mark.parametrize(("count", "head_epochs"), [(3, 1), (28, 4), (200, 2), (30, 29)])
def test_both_phases_are_named_and_nothing_overlaps(count, head_epochs):
    figure = draw_curves(history(count, head_epochs), count)
    lay_out(figure)
    for axes in figure.axes:
        assert [text.get_text() for text in axes.texts] == ["new layers", "all layers"]
        dashed = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
        assert [line.get_xdata()[0] for line in dashed] == [head_epochs + 0.5]
        texts = [*axes.texts, *visible_ticks(axes.xaxis), *visible_ticks(axes.yaxis)]
        assert not overlapping([*texts, axes.xaxis.label, axes.yaxis.label, figure.legends[0]])


def test_one_phase_only_needs_no_names():
    figure = draw_curves(history(5, head_epochs=0), 5)
    assert not [text for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize("classes", [2, 12, 102])
def test_a_perfect_matrix_is_dark_on_the_diagonal_only(classes):
    names = [f"class number {index}" for index in range(classes)]
    picture = pixels(draw_confusion((np.eye(classes, dtype=int) * 9).tolist(), names))
    dark = is_colour(picture, DARKEST)
    rows, columns = np.nonzero(dark)
    assert dark.any() and max(picture.shape) < 1500
    # The first class is up on the left, the last one down on the right, nothing beside them.
    middle = (columns.min() + columns.max()) / 2
    upper = dark[: (rows.min() + rows.max()) // 2]
    assert np.nonzero(upper)[1].max() < middle + picture.shape[1] / classes


@pytest.mark.parametrize("classes", [2, 12, 40, 102])
def test_the_classes_are_named_on_both_sides_without_overlap(classes):
    names = [f"class number {index}" for index in range(classes)]
    figure = draw_confusion(np.ones((classes, classes), int).tolist(), names)
    lay_out(figure)
    (axes,) = figure.axes
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == names
    everything = [*axes.get_xticklabels(), *axes.get_yticklabels(), *axes.texts]
    assert not overlapping([*everything, axes.xaxis.label, axes.yaxis.label])
    # The numbers of pictures, where the cells have room for them.
    assert len(axes.texts) == (classes**2 if classes <= 12 else 0)


def test_a_class_that_was_not_validated_with_is_white():
    picture = pixels(draw_confusion([[4, 0], [0, 0]], ["a", "b"]))
    rows, columns = np.nonzero(is_colour(picture, DARKEST))
    assert len(rows)
    # The cells below and beside the first, whose sides are those of the dark one.
    side = rows.max() - rows.min() + 1
    below = picture[rows.max() + side // 2, columns.min() + 4 : columns.max() + side - 4]
    assert (below >= 247).all()


def test_folders_named_like_formulas_are_no_formulas():
    figure = draw_confusion([[1, 0], [0, 1]], ["$x^$", r"$\frac$"])
    assert pixels(figure).any()
    assert figure.axes[0].get_yticklabels()[0].get_text() == "$x^$"


def visible_ticks(axis):
    """The tick labels within the axis's limits: others are not drawn."""
    low, high = axis.get_view_interval()
    ticks = zip(axis.get_ticklocs(), axis.get_ticklabels())
    return [label for place, label in ticks if low <= place <= high]


def overlapping(artists):
    """The pairs of visible texts and legends whose boxes overlap by more than a pixel."""
    boxes = []
    for each in artists:
        if each.get_visible() and getattr(each, "get_text", lambda: "legend")():
            boxes.append((each, each.get_window_extent()))
    return [
        (one, other)
        for (one, a), (other, b) in itertools.combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
    ]
