"""The two releases beside each other, and the link to the one in use.

`/opt/jetbrush` leads to `/opt/jetbrush-releases/a` or `/b`. An upgrade is made in the folder that is
not in use, and one renaming of the link takes it into use. In an older installation a folder lies in the
link's place. The standard library alone is imported.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from bot.errors import ReleaseError

_NAMES = ("a", "b")
#: The file in a complete release, which holds its name for messages, and in one that did not work.
_COMPLETE, _FAILED = ".release", ".failed"


@dataclass(frozen=True)
class Releases:
    """The releases of the installation at `link`, such as /opt/jetbrush."""

    link: Path

    @property
    def folder(self) -> Path:
        """Where the releases lie, beside the link."""
        return self.link.with_name(f"{self.link.name}-releases")

    @property
    def current(self) -> Optional[Path]:
        """The release in use; `None` before the first one."""
        if self.link.is_symlink():
            return self.link.parent / os.readlink(str(self.link))
        return self.link if self.link.exists() else None

    @property
    def other(self) -> Path:
        """The release that is not in use: the previous one, or the next while it is made."""
        current = self.current
        return self.folder / next(each for each in _NAMES if not current or each != current.name)

    def previous(self) -> Path:
        """The release that was in use before; raises `ReleaseError` without one that works."""
        release = self.other
        if not is_complete(release):
            raise ReleaseError(
                f"There is no earlier release in {self.folder}. An upgrade keeps the one that it "
                "replaces; one that was interrupted has removed it."
            )
        return release

    def prepare(self) -> Path:
        """The folder for the next release: empty, or as an interrupted upgrade left it."""
        release, discarded = self.other, self.folder / "discarded"
        shutil.rmtree(str(discarded), ignore_errors=True)
        if is_complete(release) or (release / _FAILED).exists():
            # Renamed first: half of it would look like an interrupted upgrade.
            release.rename(discarded)
            shutil.rmtree(str(discarded), ignore_errors=True)
        release.mkdir(parents=True, exist_ok=True)
        return release

    def use(self, release: Path) -> None:
        """Point the link at `release`, in one step."""
        self.folder.mkdir(exist_ok=True)
        new = self.folder / "link"
        if new.is_symlink():
            new.unlink()
        new.symlink_to(os.path.relpath(str(release), str(self.link.parent)))
        if self.link.exists() and not self.link.is_symlink():
            self._make_room(release)
        new.replace(self.link)

    def _make_room(self, release: Path) -> None:
        """Move the folder in the link's place to that of the release before `release`."""
        target = self.folder / next(each for each in _NAMES if each != release.name)
        shutil.rmtree(str(target), ignore_errors=True)
        complete(self.link, "the first release")
        self.link.rename(target)


def complete(release: Path, name: str) -> None:
    """Mark a release as complete. Messages call it `name`."""
    (release / _COMPLETE).write_text(f"{name}\n", encoding="utf-8")


def is_complete(release: Path) -> bool:
    """Whether all of the release is there."""
    return (release / _COMPLETE).is_file()


def mark_failed(release: Path) -> None:
    """Mark a release as one that does not work: the next upgrade starts with an empty folder."""
    if is_complete(release):
        (release / _COMPLETE).rename(release / _FAILED)


def name_of(release: Path) -> str:
    """What messages call the release."""
    try:
        return (release / _COMPLETE).read_text(encoding="utf-8").strip()
    except OSError:
        return release.name
