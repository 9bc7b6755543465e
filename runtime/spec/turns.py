"""Who uses the GPU of an engines folder: paintings, which come first, and the builder of engines.

Both hold locks of the kernel, which a process loses whenever and however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from pathlib import Path
from typing import Iterator

#: The builder holds this folder. Not a file: an upgrade links the files of the release in use.
_BUILDER_FOLDER = ".builder"


_log = logging.getLogger(__name__)


@contextlib.contextmanager
def painting(folder: Path) -> Iterator[None]:
    """Hold the GPU of `folder` for a painting, for which a builder pauses.

    The right to read the folder is enough. Without it, or where files have no locks, nothing is held.
    """
    with contextlib.ExitStack() as stack:
        try:
            # The folder itself is the lock: the bot may not write into it.
            fcntl.flock(stack.enter_context(_opened(folder)), fcntl.LOCK_SH)
        except OSError as error:
            _log.info("Engines may be built beside this painting: %s", error)
        yield


def is_painting(folder: Path) -> bool:
    """Whether any process paints with the engines of `folder`."""
    with _opened(folder) as descriptor:
        return not _take(descriptor, fcntl.LOCK_EX)


@contextlib.contextmanager
def building(folder: Path) -> Iterator[bool]:
    """Be the one builder of `folder`; yields whether no other process is.

    Raises `OSError` when the folder cannot be written to.
    """
    lock = folder / _BUILDER_FOLDER
    lock.mkdir(exist_ok=True)
    with _opened(lock) as descriptor:
        yield _take(descriptor, fcntl.LOCK_EX)


def is_building(folder: Path) -> bool:
    """Whether any process builds engines in `folder`."""
    try:
        with _opened(folder / _BUILDER_FOLDER) as descriptor:
            return not _take(descriptor, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, kind: int) -> bool:
    """Whether the lock could be taken at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
