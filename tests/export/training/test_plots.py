"""Curves and confusion matrix: every class has its place, and colours tell the shares."""

from __future__ import annotations

import numpy as np
import pytest

from export.training.plots import draw_confusion, draw_curves
from export.training.state import Epoch


def history(count, turn=2):
    return [
        Epoch(
            number=number,
            phase="new layers" if number <= turn else "all layers",
            train_loss=4.6 / number,
            train_accuracy=1 - 1 / number,
            loss=4.0 / number,
            accuracy=1 - 0.9 / number,
            rate=0.001,
        )
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("count", [1, 2, 28, 200])
def test_curves_of_short_and_long_trainings(count):
    pixels = np.asarray(draw_curves(history(count)))
    assert pixels.shape[2] == 3
    # Both curves are there, in both panels.
    for colour in ((196, 84, 28), (31, 111, 180)):
        columns = np.flatnonzero((pixels[60:] == colour).all(axis=2).any(axis=0))
        assert columns.min() < 560 < columns.max()


@pytest.mark.parametrize("classes", [2, 12, 102])
def test_a_perfect_matrix_is_dark_on_the_diagonal_only(classes):
    names = [f"class number {index}" for index in range(classes)]
    image = draw_confusion((np.eye(classes, dtype=int) * 9).tolist(), names)
    dark = (np.asarray(image) == (16, 62, 120)).all(axis=2)
    rows, columns = np.nonzero(dark)
    assert dark.any() and max(image.size) < 1500
    # The first class is up on the left, the last one down on the right, nothing beside them.
    middle = (columns.min() + columns.max()) / 2
    upper = dark[: (rows.min() + rows.max()) // 2]
    assert np.nonzero(upper)[1].max() < middle + image.width / classes


def test_a_class_that_was_not_validated_with_is_white():
    image = draw_confusion([[4, 0], [0, 0]], ["a", "b"])
    assert (np.asarray(image) == (16, 62, 120)).all(axis=2).any()
