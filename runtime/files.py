"""Files that appear whole or not at all.

The standard library alone is imported: any package may use this module.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO, Iterator, Optional, Tuple

#: A file's time of modification in nanoseconds, and its size in bytes.
Stamp = Tuple[int, int]

#: Bytes of a name that leave room for what a hidden file's name has besides: most file systems
#: take 255, encrypted ones 143.
_LONGEST_NAME = 120


@contextlib.contextmanager
def atomic_path(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yield the path of a hidden file, for the block to write, which then replaces `path`.

    It lies beside `path`, with a name of its own, so that two writers do not meet: the last one to
    finish wins. When the block fails, the hidden file is removed and `path` stays as it was. A
    `durable` file survives a power cut from the end of the block on.

    Raises `OSError` for a folder that cannot be written to, or a full disk.
    """
    partial = path.with_name(f"{_partial_prefix(path)}{secrets.token_hex(4)}.part")
    try:
        yield partial
        if durable:
            _sync(partial)
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        raise
    if durable:
        # The new name is an entry of the folder.
        _sync(path.parent)


@contextlib.contextmanager
def atomic_write(
    path: Path, *, durable: bool = False, mode: Optional[int] = None
) -> Iterator[BinaryIO]:
    """Yield a binary file for the content of `path`, which it replaces as in `atomic_path`.

    `mode` sets the permissions whatever the umask is; without it they are those of any new file.
    Raises `OSError` for a folder that is missing or cannot be written to, or a full disk.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    with atomic_path(path, durable=durable) as partial:
        # Never readable for more than `mode` allows, not even while it is empty.
        descriptor = os.open(partial, flags, 0o666 if mode is None else mode)
        with os.fdopen(descriptor, "w+b") as file:
            if mode is not None:
                partial.chmod(mode)
            yield file


def remove_partial(path: Path) -> None:
    """Remove what a process that was killed in `atomic_write(path)` left beside `path`.

    Only the one writer of `path` may call it: another's unfinished file would go too.
    """
    prefix = _partial_prefix(path)
    for each in path.parent.iterdir():
        if each.name.startswith(prefix) and each.name.endswith(".part"):
            each.unlink()


def stamp_of(path: Path) -> Optional[Stamp]:
    """What changes with the file's content; `None` without the file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size


def _partial_prefix(path: Path) -> str:
    """How the names of the hidden files beside `path` begin."""
    name = os.fsencode(path.name)
    if len(name) <= _LONGEST_NAME:
        return f".{path.name}."
    return f".{hashlib.sha256(name).hexdigest()[:32]}."


def _sync(path: Path) -> None:
    """Bring a file's content, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
