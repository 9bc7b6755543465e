"""A descent: its number of evaluations, and the best picture."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from runtime.backends.fake import FakeBackend
from runtime.errors import BackendError, Cancelled
from runtime.gatys.descent import MIN_GAIN, PATIENCE, PATIENCE_FROM, Descent, descend
from runtime.spec.graphs import gatys_graph
from runtime.spec.vgg import CLASSIC, POOLINGS, WEIGHT_SETS

GRAPH = gatys_graph(CLASSIC, POOLINGS[0], next(iter(WEIGHT_SETS)))


class Slope(FakeBackend):
    """Its n-th evaluation gives the loss `losses(n)`, whatever the picture is."""

    losses = staticmethod(lambda number: 1 / number)

    def _load(self):
        self.number = 0

    def _run(self, feeds):
        results = super()._run(feeds)
        self.number += 1
        results["style_losses"][:] = 0
        results["content_loss"][:] = self.losses(self.number)
        return results


def run(losses, descent, tmp_path, cancel=None):
    """The evaluations of a descent, and the picture it ends with."""
    seen = []
    with Slope(GRAPH, height=32, width=32, folder=tmp_path) as backend:
        backend.losses = losses
        feeds = {
            spec.name: np.ones(spec.resolve(32, 32), np.float32)
            for spec in GRAPH.inputs
            if spec.name != "image"
        }
        start = np.random.default_rng(0).random((1, 3, 32, 32), np.float32)
        best = descend(backend, feeds, start, descent, seen.append, cancel=cancel)
    return seen, best


def test_ends_after_its_steps(tmp_path):
    seen, _ = run(lambda number: 0.5**number, Descent(7), tmp_path)
    assert [each.count for each in seen] == list(range(1, 8))


def test_stops_when_it_gains_little(tmp_path):
    def losses(number):
        return max(0.9**number, 0.9**5) - 1e-6 * number

    seen, _ = run(losses, Descent(1000), tmp_path)
    assert len(seen) == PATIENCE_FROM


def test_continues_while_it_gains_enough(tmp_path):
    gain = 1 - 2 * MIN_GAIN / PATIENCE
    seen, _ = run(lambda number: gain**number, Descent(45), tmp_path)
    assert len(seen) == 45 > PATIENCE_FROM


def test_the_best_picture_is_kept(tmp_path):
    seen, best = run(lambda number: abs(number - 3) + 1.0, Descent(6), tmp_path)
    assert seen[-1].best_loss == 1.0
    assert best is seen[2].best


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_loss_that_is_no_number_is_a_failure(tmp_path, loss):
    with pytest.raises(BackendError, match=str(loss)):
        run(lambda number: loss, Descent(5), tmp_path)


def test_cancel_stops_it(tmp_path):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        run(lambda number: 1 / number, Descent(5), tmp_path, cancel)


def test_most_steps_are_the_fewer():
    assert Descent(10, scale=2.0).at_most(4) == Descent(4, scale=2.0)
    assert Descent(10).at_most(40) == Descent(10)
