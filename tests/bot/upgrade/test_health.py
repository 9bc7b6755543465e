"""Whether the bot is healthy after an upgrade, by what systemd shows and its port."""

from __future__ import annotations

import http.server
import threading
from types import SimpleNamespace

import pytest

from bot.painting.fleet.painter import FleetPainter
from bot.painting.painters import LocalPainter
from bot.upgrade import health
from bot.upgrade.health import BOT, PAINTER, Report, answers, report, wait_until_healthy

HEALTHY = "ActiveState=active\nStatusText=idle, 0 waiting; painter on trt; polling\nMainPID=7\n"


@pytest.fixture()
def shown(monkeypatch):
    """What systemd shows, which a test may change."""
    shown = {"text": HEALTHY}
    monkeypatch.setattr(health, "output_of", lambda *command: shown["text"])
    return shown


def test_a_bot_is_healthy_when_it_is_ready_paints_and_answers(shown):
    assert report(BOT, lambda: True) == Report("7", "")
    assert "port does not answer" in report(BOT, lambda: False).problem


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("=active", "=activating", "as activating"),
        ("painter on trt", "no painter", "it cannot paint"),
        ("on trt", "on no backend yet", "it cannot paint"),
        (HEALTHY, "", "as unknown"),
    ],
)
def test_what_is_missing_is_named(shown, before, after, problem):
    shown["text"] = HEALTHY.replace(before, after)
    assert problem in report(BOT, lambda: True).problem


@pytest.mark.parametrize(
    ("pid", "backend"), [(None, None), (7, None), (7, "trt")], ids=["none", "waits", "paints"]
)
def test_the_bot_s_own_words_decide(shown, pid, backend):
    words = LocalPainter(SimpleNamespace(pid=pid, backend=backend)).describe()
    shown["text"] = HEALTHY.replace("painter on trt", words)
    assert (report(BOT, lambda: True).problem == "") == (backend is not None)


@pytest.mark.parametrize("connected", [True, False])
async def test_a_painter_of_a_fleet_must_be_connected(shown, connected):
    link = SimpleNamespace(user="nano", up=connected, problem="The server refuses nano.")
    painter = FleetPainter(link, SimpleNamespace(pid=7, backend="trt"), None, "auto")
    shown["text"] = HEALTHY.replace("idle, 0 waiting; painter on trt; polling", painter.describe())
    found = report(PAINTER, lambda: True)
    assert (found == Report("7", "")) == connected
    assert connected or "The server refuses nano." in found.problem


def looks(*reports):
    """Show each report, and the last one for ever."""
    coming = iter(reports)
    last = [None]

    def look():
        last[0] = next(coming, last[0])
        return last[0]

    return look


def test_it_waits_until_the_same_process_stays():
    starting = [Report("0", "systemd shows it as activating"), Report("1", ""), Report("2", "")]
    assert wait_until_healthy(looks(*starting), lambda: True, patience_s=20, steady_s=0.01) == ""


def test_a_bot_that_restarts_again_and_again_is_not_healthy():
    numbers = iter(range(10**9))
    problem = wait_until_healthy(
        lambda: Report(str(next(numbers)), ""), lambda: True, patience_s=0.05, steady_s=0.01
    )
    assert problem == "it restarts again and again"


def test_it_ends_early_when_systemd_has_taken_the_release_back():
    problem = wait_until_healthy(looks(Report("1", "")), lambda: False, patience_s=600)
    assert "three starts" in problem


class Page(http.server.BaseHTTPRequestHandler):
    """Says that something is wrong, such as a tunnel that is not there yet."""

    def do_GET(self):
        self.send_response(503 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_a_bot_without_its_tunnel_answers_all_the_same():
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = str(server.server_port)
        assert answers({"PORT": port}) and answers({"PORT": port, "HOST": "0.0.0.0"})
        server.shutdown()
        thread.join()
    assert not answers({"PORT": port})
