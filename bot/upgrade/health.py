"""`python -m bot.upgrade.health`: waits until the service is healthy after an upgrade.

A bot is healthy when systemd shows it as ready, its painter has a backend, its port answers, and the same
process of the new release still runs some seconds later. A painter of a fleet has no port, but must be
connected. The standard library alone is imported.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Mapping, Optional, Sequence

from bot.status_words import NO_BACKEND, NO_CONNECTION, NO_PAINTER
from bot.upgrade.environment import read_environment
from bot.upgrade.releases import Releases
from runtime.machine.resources import output_of

#: A painter that imports TensorRT from an SD card takes a minute.
_PATIENCE_S = 240.0
#: A bot that fails, fails within these seconds.
_STEADY_S = 10.0


@dataclass(frozen=True)
class Service:
    """What is upgraded: its name in messages, its unit, and what its status says while it is not healthy."""

    name: str
    unit: str
    unhealthy: Sequence[str]


BOT = Service("bot", "jetbrush.service", (NO_PAINTER, NO_BACKEND))
PAINTER = Service("painter", "jetbrush-painter.service", (NO_PAINTER, NO_BACKEND, NO_CONNECTION))


@dataclass(frozen=True)
class Report:
    """What systemd shows of a service: its process, `0` without one, and what is wrong."""

    process: str
    problem: str


def report(service: Service, port_answers: Callable[[], bool]) -> Report:
    """Examine the service once; `port_answers` says whether its web server does."""
    names = ("ActiveState", "StatusText", "MainPID")
    shown = output_of("systemctl", "show", service.unit, *(f"--property={name}" for name in names))
    found = dict(line.partition("=")[::2] for line in shown.splitlines())
    status = found.get("StatusText", "")
    problem = ""
    if found.get("ActiveState") != "active":
        problem = f"systemd shows {service.unit} as {found.get('ActiveState', 'unknown')}"
    elif not status or any(words in status for words in service.unhealthy):
        problem = f"it cannot paint; its status is {status or 'empty'}"
    elif not port_answers():
        problem = "its port does not answer"
    return Report(found.get("MainPID", "0"), problem)


def wait_until_healthy(
    look: Callable[[], Report],
    is_in_use: Callable[[], bool],
    *,
    patience_s: float = _PATIENCE_S,
    steady_s: float = _STEADY_S,
) -> str:
    """Look every second; returns what is still wrong after `patience_s`, empty if nothing.

    Returns early when the release is no longer in use, because it failed three times.
    """
    deadline = time.monotonic() + patience_s
    process, since = "", 0.0
    while True:
        found, now = look(), time.monotonic()
        if not is_in_use():
            return "it did not become ready in three starts"
        if found.problem or found.process != process:
            process, since = "" if found.problem else found.process, now
        elif now - since >= steady_s:
            return ""
        if now > deadline:
            return found.problem or "it restarts again and again"
        time.sleep(min(1.0, steady_s))


def answers(environment: Mapping[str, str]) -> bool:
    """Whether the bot's web server answers; its page may name a problem, such as no tunnel yet."""
    host = environment.get("HOST", "") or "127.0.0.1"
    # A server on all addresses is on this one too.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(
        host, int(environment.get("PORT", "") or 8080), timeout=5
    )
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status in (200, 503)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main(arguments: Optional[List[str]] = None) -> int:
    """Wait, and say what is wrong; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m bot.upgrade.health", description=__doc__)
    parser.add_argument("link", type=Path, help="the link to the release in use")
    parser.add_argument("release", type=Path, help="the new release")
    parser.add_argument("--settings", type=Path, default=Path("/etc/jetbrush/jetbrush.env"))
    parser.add_argument("--painter", action="store_true", help="it is a painter of a fleet")
    args = parser.parse_args(arguments)
    service = PAINTER if args.painter else BOT
    environment = read_environment(args.settings)
    problem = wait_until_healthy(
        lambda: report(service, lambda: args.painter or answers(environment)),
        lambda: Releases(args.link).current == args.release,
    )
    if problem:
        print(f"The {service.name} is not healthy: {problem}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
