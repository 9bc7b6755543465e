"""Progress over parts of different cost."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from runtime.gatys.report import Reports, Work
from runtime.lbfgs import Evaluation


def reported(parts, evaluations):
    """What is reported after these (part, number of the evaluation)."""
    seen = []
    reports = Reports(seen.append, parts)
    for part, count in evaluations:
        state = Evaluation(count, 2.0, 1.0, np.zeros((1, 3, 1, 1), np.float32))
        reports.of(part)(state, lambda: Image.new("RGB", (3, 2)))
    return seen


def test_shares_are_of_the_work_and_steps_are_counted_over_all_parts():
    parts = [Work(2, 30.0), Work(4, 10.0)]
    seen = reported(parts, [(0, 1), (0, 2), (1, 1), (1, 4)])
    assert [each.step for each in seen] == [1, 2, 3, 6]
    assert [each.steps for each in seen] == [6] * 4
    assert [each.share for each in seen] == pytest.approx([0.3, 0.6, 0.7, 1.0])


def test_a_part_that_ends_early_leaves_its_share_to_the_next():
    seen = reported([Work(10, 1.0), Work(10, 1.0)], [(0, 4), (1, 1)])
    assert [each.step for each in seen] == [4, 11]
    assert seen[-1].share == pytest.approx(0.55)


def test_the_best_loss_and_the_picture_are_shown():
    (seen,) = reported([Work(1, 1.0)], [(0, 1)])
    assert seen.loss == 1.0 and seen.draw().size == (3, 2)
