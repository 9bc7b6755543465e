"""The pictures to train with: one folder per class, as in Caltech-101, and their split.

Li, Andreeto, Ranzato and Perona, "Caltech 101", CaltechDATA, 2022, doi:10.22002/D1.20086: 101
object classes and one of backgrounds, 9,144 pictures.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Tuple

import numpy as np

from export.errors import DatasetError
from runtime.errors import PictureError
from runtime.imaging.reading import read_picture

#: Where the class folders lie in the folder that either archive was unpacked into.
LAYOUTS = (
    "101_ObjectCategories",
    "caltech101/101_ObjectCategories",
    "caltech-101/101_ObjectCategories",
)
ADDRESS = "https://data.caltech.edu/records/mzrjq-6wc02"

#: One picture to train with and one to validate with.
MIN_PICTURES_PER_CLASS = 2
MIN_CLASSES = 2


@dataclass(frozen=True)
class Picture:
    """A readable picture: its file relative to the dataset's folder, and the index of its class."""

    file: str
    label: int


@dataclass(frozen=True)
class Dataset:
    """All classes with their pictures, and what was skipped.

    `unreadable` maps each file that cannot be read to the reason; `empty` lists the class folders
    without a readable picture.
    """

    folder: Path
    classes: Tuple[str, ...]
    pictures: Tuple[Picture, ...]
    unreadable: Mapping[str, str]
    empty: Tuple[str, ...]

    @property
    def sha256(self) -> str:
        """The digest of the names, classes and file sizes."""
        digest = hashlib.sha256()
        for each in self.pictures:
            size = (self.folder / each.file).stat().st_size
            digest.update(f"{each.file} {each.label} {size}\n".encode())
        return digest.hexdigest()


def find_class_folders(root: Path) -> Path:
    """The folder that holds the class folders: `root`, or a folder in it by a known layout.

    Raises `DatasetError` if there is none.
    """
    for layout in LAYOUTS:
        if (root / layout).is_dir():
            return root / layout
    if root.is_dir() and any(each.is_dir() for each in root.iterdir()):
        return root
    raise DatasetError(
        f"{root} holds no folders with pictures; expected one folder per class. Unpack Caltech-101 "
        f"from {ADDRESS} into it, or name another folder with --data."
    )


def download(folder: Path) -> None:
    """Let torchvision download Caltech-101 and unpack it in `folder`.

    Raises `DatasetError`, which explains how to do it by hand, if that fails.
    """
    try:
        from torchvision.datasets import Caltech101

        folder.mkdir(parents=True, exist_ok=True)
        Caltech101(str(folder), download=True)
    # torchvision passes on whatever its network libraries, archives and checks raise, and a build
    # for another version of torch fails at import with errors of many types.
    except Exception as error:
        raise DatasetError(
            f"Caltech-101 cannot be downloaded ({type(error).__name__}: {error}). By hand: get it "
            f"from {ADDRESS} (137 MB), unpack it and the 101_ObjectCategories.tar.gz in it into "
            f"{folder}, or name its folder with --data."
        ) from error


def scan(folder: Path, on_progress: Callable[[int, int], None]) -> Dataset:
    """Read every picture in the class folders once, and skip those that cannot be read.

    Calls `on_progress` with the number of files read and their total. Raises `DatasetError` for
    fewer than `MIN_CLASSES` classes with pictures.
    """
    names = sorted(path.name for path in folder.iterdir() if _is_visible(path) and path.is_dir())
    files = {
        name: sorted(
            path for path in (folder / name).rglob("*") if _is_visible(path) and path.is_file()
        )
        for name in names
    }
    paths = [path for name in names for path in files[name]]
    unreadable: Dict[Path, str] = {}
    with ThreadPoolExecutor() as pool:
        for done, (path, reason) in enumerate(zip(paths, pool.map(_why_unreadable, paths)), 1):
            on_progress(done, len(paths))
            if reason:
                unreadable[path] = reason
    readable = {name: [path for path in files[name] if path not in unreadable] for name in names}
    classes = tuple(name for name in names if readable[name])
    if len(classes) < MIN_CLASSES:
        raise DatasetError(
            f"{folder} has {len(classes)} classes with readable pictures; expected at least "
            f"{MIN_CLASSES}. {len(unreadable)} files cannot be read."
        )
    return Dataset(
        folder=folder,
        classes=classes,
        pictures=tuple(
            Picture(path.relative_to(folder).as_posix(), label)
            for label, name in enumerate(classes)
            for path in readable[name]
        ),
        unreadable={path.relative_to(folder).as_posix(): why for path, why in unreadable.items()},
        empty=tuple(name for name in names if not readable[name]),
    )


def split(
    dataset: Dataset, share: float, seed: int
) -> Tuple[Tuple[Picture, ...], Tuple[Picture, ...]]:
    """Split the pictures into those to train with and those to validate with, class by class.

    `share` of every class, but at least one picture, is for validation. Raises `DatasetError` for
    classes that are too small for that.
    """
    by_class: List[List[Picture]] = [[] for _ in dataset.classes]
    for each in dataset.pictures:
        by_class[each.label].append(each)
    too_small = [
        f"{name} ({len(pictures)})"
        for name, pictures in zip(dataset.classes, by_class)
        if len(pictures) < MIN_PICTURES_PER_CLASS
    ]
    if too_small:
        raise DatasetError(
            f"too few pictures for the split: {', '.join(too_small)}; expected "
            f"{MIN_PICTURES_PER_CLASS} in every class at least, to train and to validate with. Add "
            "pictures, or remove these folders."
        )
    rng = np.random.default_rng(seed)
    training: List[Picture] = []
    validation: List[Picture] = []
    for pictures in by_class:
        shuffled = [pictures[index] for index in rng.permutation(len(pictures))]
        count = min(max(round(len(pictures) * share), 1), len(pictures) - 1)
        validation += shuffled[:count]
        training += shuffled[count:]
    return tuple(training), tuple(validation)


def _is_visible(path: Path) -> bool:
    return not path.name.startswith(".")


def _why_unreadable(path: Path) -> str:
    """The reason why the picture cannot be read, empty if it can."""
    try:
        read_picture(path)
    except PictureError as error:
        return str(error)
    return ""
