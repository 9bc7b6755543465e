from __future__ import annotations

from types import SimpleNamespace

import pytest

from bot.metrics import Metrics
from bot.painting.fleet import roster
from bot.painting.fleet.messages import Hello
from bot.painting.fleet.roster import Painter

LEASE = 30.0


@pytest.fixture()
def clock(monkeypatch):
    """The time in seconds, which a test moves."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(roster.time, "monotonic", lambda: clock.now)
    return clock


@pytest.fixture()
def link(clock):
    return SimpleNamespace(up=True, since=clock.now)


@pytest.fixture()
def painter(link):
    painter = Painter("nano", link, LEASE, Metrics().fleet)
    painter.hear(Hello("session"))
    painter.admitted = True
    return painter


def outage(painter, link, clock, seconds):
    link.up = False
    painter.note_outage()
    clock.now += seconds
    link.up, link.since = True, clock.now


def test_an_outage_of_the_bot_s_connection_is_not_the_painter_s_silence(painter, link, clock):
    clock.now += LEASE - 1
    outage(painter, link, clock, 2 * LEASE)
    assert painter.free
    clock.now += LEASE
    assert not painter.free


def test_a_painter_that_was_away_is_not_back_after_an_outage(painter, link, clock):
    clock.now += LEASE + 1
    outage(painter, link, clock, 10)
    assert not painter.free and painter.state.silence == LEASE + 11
    painter.hear(Hello("session"))
    assert painter.free
