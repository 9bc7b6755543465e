"""The trial of a new release: `python -m bot.upgrade.trial COMMAND /opt/jetbrush`.

`scripts/install` and `scripts/rollback` take a release into use. `jetbrush.service` then counts its
starts: if it is not ready after three, the service rolls back to the release before, even if the
installer was killed or the power failed. The standard library alone is imported.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from pathlib import Path
from typing import Callable, List, Mapping, Optional

from bot.errors import ReleaseError
from bot.upgrade.environment import database_in, read_environment
from bot.upgrade.releases import Releases, complete, mark_failed, name_of
from bot.upgrade.state_copy import can_use, copy_database, make_usable
from runtime.files import atomic_write

#: How often a new release may start without becoming ready.
MOST_STARTS = 3


class Trial:
    """The trial of the release that a link leads to; its record is a file beside the releases."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases
        self._record = releases.folder / "trial.json"
        self._copy = releases.folder / "trial.sqlite3"

    def begin(self, release: Path, database: Path) -> None:
        """Take a release into use, on trial if there is one to roll back to.

        Raises `ReleaseError` if the release cannot read the database.
        """
        if not can_use(release, database):
            raise ReleaseError(
                f"{name_of(release)} cannot read {database}, which a newer release has changed. "
                "Nothing was changed."
            )
        old = self._releases.current
        if old is not None:
            if database.exists():
                copy_database(database, self._copy)
            self._write(0, database)
        self._releases.use(release)

    def count_start(self) -> bool:
        """Count a start of the bot; returns whether it was rolled back instead."""
        if not self._record.exists():
            return False
        record = json.loads(self._record.read_text(encoding="utf-8"))
        starts = record["starts"] + 1
        database = Path(record["database"])
        current = self._releases.current
        if starts > MOST_STARTS and current is not None:
            self.roll_back(current, database)
            return True
        self._write(starts, database)
        return False

    def roll_back(self, failed: Path, database: Path) -> None:
        """Go back from `failed` to the release before it, unless that is done already.

        Raises `ReleaseError` if there is none, or it could not work without losing photos.
        """
        if self._releases.current == failed:
            old = self._releases.previous()
            make_usable(old, database, self._copy)
            self._releases.use(old)
            mark_failed(failed)
        self.end()

    def end(self) -> None:
        """End the trial: the current release works."""
        for each in (self._record, self._copy):
            if each.exists():
                each.unlink()

    def _write(self, starts: int, database: Path) -> None:
        with atomic_write(self._record, durable=True) as file:
            file.write(json.dumps({"starts": starts, "database": str(database)}).encode())


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command of the scripts or of systemd; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m bot.upgrade.trial", description=__doc__)
    parser.add_argument("command", choices=sorted(_COMMANDS))
    parser.add_argument("link", type=Path, help="the link to the release in use")
    parser.add_argument(
        "--release", type=Path, help="the folder of a release, to use or to roll back"
    )
    parser.add_argument("--name", help="what messages call it, if it is new")
    parser.add_argument("--settings", type=Path, default=Path("/etc/jetbrush/jetbrush.env"))
    args = parser.parse_args(arguments)
    try:
        answer = _COMMANDS[args.command](Releases(args.link), args)
    except (ReleaseError, OSError, sqlite3.Error) as error:
        print(error, file=sys.stderr)
        return 1
    if answer is not None:
        print(answer)
    return 0


def _prepare(releases: Releases, args: argparse.Namespace) -> None:
    releases.prepare()


def _use(releases: Releases, args: argparse.Namespace) -> None:
    if args.name:
        complete(args.release, args.name)
    Trial(releases).begin(args.release, database_in(read_environment(args.settings)))


def _back(releases: Releases, args: argparse.Namespace) -> None:
    Trial(releases).roll_back(args.release, database_in(read_environment(args.settings)))


def _started(releases: Releases, args: argparse.Namespace) -> Optional[str]:
    if Trial(releases).count_start():
        return "The new release did not become ready: the one before it starts instead."
    return None


#: What each command does, and what it prints.
_COMMANDS: Mapping[str, Callable[[Releases, argparse.Namespace], object]] = {
    "next": lambda releases, args: releases.other,
    "previous": lambda releases, args: releases.previous(),
    "prepare": _prepare,
    "use": _use,
    "back": _back,
    "started": _started,
    "ready": lambda releases, args: Trial(releases).end(),
}


if __name__ == "__main__":
    sys.exit(main())
