"""Which photos a command paints, and the files that the paintings go to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Sequence, Set

from runtime.errors import PictureError
from runtime.imaging.formats import SUFFIXES, WRITABLE

#: The suffix of a painting whose photo has a format that is only read.
_OTHERWISE = ".png"


@dataclass(frozen=True)
class Task:
    """A photo, and the file that its painting goes to."""

    photo: Path
    output: Path


def tasks_for(photos: Sequence[Path], output: Path) -> List[Task]:
    """One task for each photo; a folder stands for the pictures in it, without its subfolders.

    For a single photo `output` is a file, or a folder that exists. For several it is a folder,
    which is made if needed; the paintings keep the names of their photos. No painting replaces
    another one, or one of the photos: it gets a number instead.

    Raises `PictureError` for a folder without pictures, and for an `output` that is no folder.
    """
    found = list(dict.fromkeys(path for photo in photos for path in _pictures_at(photo)))
    is_single = len(photos) == 1 and not _is_folder(photos[0])
    if is_single and not _is_folder(output):
        return [Task(photos[0], output)]
    _make_folder(output)
    taken = {_identity(path) for path in found}
    return [Task(path, _free_path(path, output, taken)) for path in found]


def _pictures_at(path: Path) -> Iterator[Path]:
    """The pictures in a folder, or the file itself, whether it exists or not."""
    if not _is_folder(path):
        yield path
        return
    pictures = sorted(
        each
        for each in path.iterdir()
        if each.suffix.lower() in SUFFIXES and not each.name.startswith(".") and each.is_file()
    )
    if not pictures:
        raise PictureError(f"The folder {path} holds no pictures ({', '.join(SUFFIXES)}).")
    yield from pictures


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        # Its name is too long; what opens it says so.
        return False


def _make_folder(path: Path) -> None:
    if path.suffix.lower() in WRITABLE and not _is_folder(path):
        raise PictureError(f"{path} names a picture; several photos need a folder as the output.")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PictureError(f"The folder {path} cannot be made: {error.strerror}.") from error


def _free_path(photo: Path, folder: Path, taken: Set[str]) -> Path:
    """A file in `folder` that is not in `taken`, to which it is added."""
    suffix = photo.suffix if photo.suffix.lower() in WRITABLE else _OTHERWISE
    numbered = (f"{photo.stem}-{number}{suffix}" for number in itertools.count(2))
    names = itertools.chain([f"{photo.stem}{suffix}"], numbered)
    path = next(folder / name for name in names if _identity(folder / name) not in taken)
    taken.add(_identity(path))
    return path


def _identity(path: Path) -> str:
    """The same for two paths of one file, on file systems that ignore the case too."""
    return str(path.resolve()).casefold()
