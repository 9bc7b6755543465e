"""`python -m bot.upgrade.self_test`: whether this release works here, before it is taken into use.

Each check is a process of its own, so that a library that crashes is a finding. The Python of the
release's own virtual environment runs it.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Iterator, List, Mapping, Optional, Tuple

from bot.upgrade.environment import database_in, read_environment
from bot.upgrade.state_copy import copy_database
from runtime.machine.resources import is_jetson

ROOT = Path(__file__).resolve().parent.parent.parent
_PHOTO = ROOT / "docs" / "pictures" / "cat.jpg"
_STYLE = "stained-glass"

#: A check's name, the arguments of Python, and the variables that are set besides.
Check = Tuple[str, List[str], Mapping[str, str]]

_SETTINGS = "import os; from bot.config import load_config; load_config(os.environ)"
_IMPORTS = "import bot.service.assembly, runtime.cli.command"
_PAINTER_SETTINGS = """
import os
from bot.config import PainterConfig, load_settings
from bot.tools.fleet_painter import painter_link
painter_link(load_settings(PainterConfig, os.environ), None)
"""
_PAINTER_IMPORTS = (
    "import bot.painting.fleet.painter, bot.painting.painter, nats, runtime.cli.command"
)
_DATABASE = """
import asyncio, sys, pathlib
from bot.storage.database import Database
async def main():
    await (await Database(pathlib.Path(sys.argv[1])).open()).close()
asyncio.run(main())
"""
#: Seconds for one check: the slowest is a painting on the processor of a Nano.
_LONGEST_S = 900


def checks(environment: Mapping[str, str], folder: Path, *, painter: bool) -> Iterator[Check]:
    """What is tried: imports, settings, the database's migration on a copy, a small painting.

    `environment` is the service's, `folder` an empty one for what the checks write. painter: whether the
    service is a painter of a fleet.
    """
    yield "imports", ["-c", _PAINTER_IMPORTS if painter else _IMPORTS], {}
    if painter:
        yield "settings", ["-c", _PAINTER_SETTINGS], environment
    # Before the first start there may be no token yet.
    elif environment.get("BOT_TOKEN") or environment.get("BOT_TOKEN_FILE"):
        yield "settings", ["-c", _SETTINGS], environment
    database = database_in(environment)
    if database.exists():
        copy = folder / "copy.sqlite3"
        copy_database(database, copy)
        yield "database", ["-c", _DATABASE, str(copy)], {}
    if environment.get("LOCAL_PAINTER", "").strip().lower() == "no":
        # Its machine need not be able to paint.
        return
    yield "doctor", ["-m", "runtime", "doctor"], {}
    painting = ["-m", "runtime", "stylize", str(_PHOTO), _STYLE, "-o", str(folder / "out.jpg")]
    painting += ["--size", "64", "--fine", "64", "--steps", "4"]
    if is_jetson():
        # The GPU's memory is the running bot's, and each engine was tested when it was built.
        painting += ["--backend", "onnxrt"]
    yield "painting", painting, {}


def run(check: Check, user: Optional[str]) -> str:
    """What went wrong with a check, empty if nothing."""
    _, arguments, variables = check
    try:
        done = subprocess.run(
            [sys.executable, "-B", *arguments],
            cwd=str(ROOT),
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_LONGEST_S,
            preexec_fn=_become(user),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {_LONGEST_S} s"
    except OSError as error:
        return (
            f"{user or 'this user'} cannot run {sys.executable} ({error.strerror}). Choose a Python "
            "that every user may run: PYTHON=/usr/bin/python3"
        )
    if done.returncode == 0:
        return ""
    text = done.stdout.decode(errors="replace").strip()
    return f"exit code {done.returncode}\n{text}"


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the checks until one fails; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot.upgrade.self_test", description=__doc__)
    parser.add_argument("--settings", type=Path, default=Path("/etc/jetbrush/jetbrush.env"))
    parser.add_argument("--painter", action="store_true", help="it is a painter of a fleet")
    parser.add_argument("--user", help="the user to run the checks as, the service's")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="jetbrush-") as folder:
        environment = read_environment(args.settings)
        for check in checks(environment, Path(folder), painter=args.painter):
            _give(Path(folder), args.user)
            problem = run(check, args.user)
            print(f"   {'failed' if problem else 'ok    '}  {check[0]}", flush=True)
            if problem:
                print(problem)
                return 1
    return 0


def _give(folder: Path, user: Optional[str]) -> None:
    """Make the files the user's."""
    if user is not None:
        for path in (folder, *folder.iterdir()):
            shutil.chown(str(path), user)


def _become(user: Optional[str]) -> Callable[[], None]:
    """What a child does before the check: take the user's rights, and be the first to go."""

    def become() -> None:
        # When memory runs out, the running bot must stay.
        Path("/proc/self/oom_score_adj").write_text("1000")
        if user is not None:
            entry = pwd.getpwnam(user)
            os.initgroups(user, entry.pw_gid)
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)

    return become


if __name__ == "__main__":
    sys.exit(main())
