"""Writes picture files."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from PIL import Image

from runtime.errors import PictureError
from runtime.files import atomic_write
from runtime.imaging.formats import WRITABLE
from runtime.spec.engines import Size


def check_writable(path: Path, size: Size) -> None:
    """Raise `PictureError` unless a picture of `size` can be written at `path`.

    Call it before the work. The suffix must be that of a format that is written and can hold the
    size, and the folder must exist and be writable. `size` is (width, height).
    """
    file_format = WRITABLE.get(path.suffix.lower())
    if file_format is None:
        titles = list(dict.fromkeys(each.title for each in WRITABLE.values()))
        raise PictureError(
            f"{path} does not name a format that is written: {', '.join(titles[:-1])} or "
            f"{titles[-1]}; end the name in one of {', '.join(WRITABLE)}."
        )
    if file_format.most_side and max(size) > file_format.most_side:
        raise PictureError(
            f"{path} cannot be written: the picture is {size[0]}x{size[1]}, and {file_format.title} "
            f"holds at most {file_format.most_side} pixels per side; end the name in .png."
        )
    target = _target(path)
    try:
        # Not `is_dir`, which in newer Pythons says no where the name is too long.
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(target.stat().st_mode):
                raise PictureError(f"{path} is a folder; give the name of a file.")
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from error


def write_picture(image: Image.Image, path: Path) -> None:
    """Write an RGB image at `path`, whole or not at all, in the format of its suffix.

    If `path` is a symbolic link, the file that it leads to is written. Raises `PictureError` where
    `check_writable` does, and when the writing fails.
    """
    check_writable(path, image.size)
    file_format = WRITABLE[path.suffix.lower()]
    try:
        with atomic_write(_target(path)) as file:
            image.save(file, file_format.pillow, **(file_format.save_options or {}))
    except OSError as error:
        raise _cannot_write(path, error) from error


def _target(path: Path) -> Path:
    """The file that is written: what `path` leads to if it is a symbolic link."""
    return Path(os.path.realpath(path))


def _cannot_write(path: Path, error: OSError) -> PictureError:
    return PictureError(f"{path} cannot be written: {error.strerror or error}.")
