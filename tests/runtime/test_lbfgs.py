from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from scipy import fft, optimize

from runtime import lbfgs
from runtime.lbfgs import HISTORY, minimise
from tests.support.pictures import array

SHAPE = (1, 3, 12, 16)


def quadratic(goal, curvature):
    """0.5 (x - goal)' A (x - goal) with A diagonal in the frequency domain."""

    def evaluate(image):
        away = image - goal
        pulled = fft.idctn(
            curvature * fft.dctn(away, axes=(2, 3), norm="ortho"), axes=(2, 3), norm="ortho"
        ).astype(np.float32)
        return float(0.5 * np.vdot(away, pulled)), pulled

    return evaluate


@pytest.fixture()
def curvature():
    return np.random.default_rng(0).uniform(0.02, 20, SHAPE).astype(np.float32)


def test_finds_the_minimum_inside_the_box(curvature):
    goal = 0.3 + 0.4 * array(*SHAPE[2:], seed=1)
    *_, last = islice(minimise(quadratic(goal, curvature), np.full_like(goal, 0.5)), 3 * HISTORY)
    assert np.abs(last.best - goal).max() < 5e-3


def test_finds_the_minimum_on_the_bounds(curvature):
    """A goal outside the box: the bounded minimum, as SciPy's L-BFGS-B finds it."""
    goal = 2.4 * array(*SHAPE[2:], seed=1) - 0.7
    evaluate = quadratic(goal, curvature)
    *_, last = islice(minimise(evaluate, np.full_like(goal, 0.5)), 5 * HISTORY)

    def flat(values):
        loss, gradient = evaluate(values.reshape(SHAPE).astype(np.float32))
        return loss, gradient.ravel().astype(np.float64)

    expected = optimize.minimize(
        flat, np.full(goal.size, 0.5), jac=True, method="L-BFGS-B", bounds=[(0, 1)] * goal.size
    )
    assert last.best.min() >= 0 and last.best.max() <= 1
    assert last.best_loss <= expected.fun * 1.005


def test_beats_plain_descent_on_a_curvature_like_that_of_the_networks(monkeypatch):
    """The reason for the preconditioner: grey's fine detail is steep, colour's lies flat."""
    rows, columns = np.ogrid[:12, :16]
    frequency = np.hypot(rows / 24, columns / 32)
    grey = frequency + 1 / 8
    colour = grey / np.minimum(100, 1 + (frequency / 0.1) ** 4)
    curvature = np.stack([grey, colour, colour])[None].astype(np.float32)
    turned = quadratic(np.zeros(SHAPE, np.float32), curvature)
    turn = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    goal = array(*SHAPE[2:], seed=2)

    def evaluate(image):
        loss, pulled = turned(np.einsum("ij,njhw->nihw", turn, image - goal))
        return loss, np.einsum("ji,njhw->nihw", turn, pulled).astype(np.float32)

    start = np.full_like(goal, 0.5)
    *_, ours = islice(minimise(evaluate, start), 25)
    monkeypatch.setattr(lbfgs, "_weights", lambda frequency: (np.ones_like(frequency),) * 2)
    *_, plain = islice(minimise(evaluate, start), 25)
    assert ours.best_loss < 0.5 * plain.best_loss < 1e-3 * evaluate(start)[0]


def test_reports_every_evaluation_and_the_best_of_them(curvature):
    goal = array(*SHAPE[2:], seed=1)
    evaluate, calls = quadratic(goal, curvature), []

    def counted(image):
        calls.append(evaluate(image)[0])
        return evaluate(image)

    for count, state in enumerate(islice(minimise(counted, np.zeros_like(goal)), 60), start=1):
        assert state.count == count == len(calls)
        assert state.best_loss == min(calls)
        assert evaluate(state.best)[0] == pytest.approx(state.best_loss)


def test_survives_a_loss_that_is_not_finite_far_away(curvature):
    goal = np.full(SHAPE, 0.5, np.float32)
    evaluate = quadratic(goal, curvature)

    def brittle(image):
        loss, gradient = evaluate(image)
        if np.abs(image - 0.4).max() > 0.105:
            return float("nan"), gradient * np.float32("nan")
        return loss, gradient

    states = list(islice(minimise(brittle, np.full_like(goal, 0.4)), 60))
    assert states[-1].best_loss < 0.1 * states[0].loss
    assert np.isfinite(states[-1].best).all()


def test_ends_where_nothing_is_left_to_do():
    still = minimise(lambda image: (1.0, np.zeros_like(image)), np.full(SHAPE, 0.5, np.float32))
    assert [state.count for state in still] == [1]
