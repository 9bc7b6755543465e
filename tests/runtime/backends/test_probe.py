"""Which of two computations is faster, by the processor time that they take."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from runtime.backends import probe


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands but for what the calls below add to it."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(probe, "time", SimpleNamespace(process_time=lambda: clock.now))
    return clock


def taking(clock, *seconds):
    """A call that takes so many seconds, one after the other and again."""
    ones = itertools.cycle(seconds)

    def call():
        clock.now += next(ones)

    return call


@pytest.mark.parametrize("new, faster", [(0.5, True), (0.85, True), (0.95, False), (1.7, False)])
def test_faster_by_a_tenth_at_least(clock, new, faster):
    assert probe.is_faster(taking(clock, new), taking(clock, 1.0)) is faster


def test_the_least_of_several_counts(clock):
    assert probe.is_faster(taking(clock, 9.0, 9.0, 0.5), taking(clock, 1.0, 1.0, 9.0))
    assert not probe.is_faster(taking(clock, 0.95, 1.0, 3.0), taking(clock, 5.0, 1.0))
