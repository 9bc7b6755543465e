"""One bot for one state folder."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from bot.errors import StateFolderError


def hold(folder: Path) -> IO[str]:
    """Hold the folder against a second bot, which would paint and answer everything twice.

    Close what is returned to let it go. Raises `StateFolderError` when another bot holds it or it
    cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise StateFolderError(
            f"STATE_DIR {folder} cannot be written ({error.strerror}); give the bot's user the "
            "right to, or name another folder."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StateFolderError(
            f"Another bot works in {folder}. Stop it first, or give this one a STATE_DIR of its "
            "own."
        ) from error
    return lock
