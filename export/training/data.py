"""The pictures to train with: a folder for each class, as Caltech-101 has them, and their split.

Li, Andreeto, Ranzato and Perona, "Caltech 101", CaltechDATA, 2022, doi:10.22002/D1.20086: 101
classes and one of backgrounds, 9,144 pictures.
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
from runtime.imaging.picture import read_picture

#: Where the class folders lie below a folder that they were unpacked into, by either archive.
LAYOUTS = (
    "101_ObjectCategories",
    "caltech101/101_ObjectCategories",
    "caltech-101/101_ObjectCategories",
)
ADDRESS = "https://data.caltech.edu/records/mzrjq-6wc02"

#: One to learn from and one to validate with.
LEAST_PICTURES = 2
LEAST_CLASSES = 2


@dataclass(frozen=True)
class Picture:
    """A picture that can be read: its file below the collection's folder, its class's number."""

    file: str
    label: int


@dataclass(frozen=True)
class Collection:
    """All classes with their pictures, and what had to be left out.

    `unreadable` says of each such file why; `empty` names the class folders without any picture.
    """

    folder: Path
    classes: Tuple[str, ...]
    pictures: Tuple[Picture, ...]
    unreadable: Mapping[str, str]
    empty: Tuple[str, ...]

    @property
    def sha256(self) -> str:
        """The sum over the names, classes and file sizes."""
        digest = hashlib.sha256()
        for each in self.pictures:
            size = (self.folder / each.file).stat().st_size
            digest.update(f"{each.file} {each.label} {size}\n".encode())
        return digest.hexdigest()


def class_folder(root: Path) -> Path:
    """The folder that holds the class folders, at `root` or below it in a known layout.

    Raises `DatasetError` if there is none.
    """
    for layout in LAYOUTS:
        if (root / layout).is_dir():
            return root / layout
    if root.is_dir() and any(each.is_dir() for each in root.iterdir()):
        return root
    raise DatasetError(
        f"{root} holds no folders with pictures, one for each class. Unpack Caltech-101 from "
        f"{ADDRESS} into it, or give another folder with --data."
    )


def scan(folder: Path, on_progress: Callable[[int, int], None]) -> Collection:
    """Read every picture below `folder` once, and leave out those that cannot be read.

    Calls `on_progress` with the pictures done and all. Raises `DatasetError` for fewer than
    `LEAST_CLASSES` classes with pictures.
    """
    names = sorted(path.name for path in folder.iterdir() if _is_visible(path) and path.is_dir())
    files = {
        name: sorted(path for path in (folder / name).rglob("*") if _is_visible(path))
        for name in names
    }
    paths = [path for name in names for path in files[name] if path.is_file()]
    reasons: Dict[Path, str] = {}
    with ThreadPoolExecutor() as pool:
        for done, (path, reason) in enumerate(zip(paths, pool.map(_why_unreadable, paths)), 1):
            on_progress(done, len(paths))
            if reason:
                reasons[path] = reason
    readable = {
        name: [path for path in files[name] if path.is_file() and path not in reasons]
        for name in names
    }
    classes = tuple(name for name in names if readable[name])
    if len(classes) < LEAST_CLASSES:
        raise DatasetError(
            f"{folder} has {len(classes)} classes with pictures that can be read; expected "
            f"{LEAST_CLASSES} at least. {len(reasons)} files cannot be read."
        )
    return Collection(
        folder=folder,
        classes=classes,
        pictures=tuple(
            Picture(path.relative_to(folder).as_posix(), label)
            for label, name in enumerate(classes)
            for path in readable[name]
        ),
        unreadable={path.relative_to(folder).as_posix(): why for path, why in reasons.items()},
        empty=tuple(name for name in names if not readable[name]),
    )


def split(
    collection: Collection, share: float, seed: int
) -> Tuple[Tuple[Picture, ...], Tuple[Picture, ...]]:
    """Part the pictures into those to learn from and those to validate with, class by class.

    `share` of every class, and one picture at the least, is validated with. Raises `DatasetError`
    for classes too small for that.
    """
    by_class: List[List[Picture]] = [[] for _ in collection.classes]
    for each in collection.pictures:
        by_class[each.label].append(each)
    few = [
        f"{name} ({len(pictures)})"
        for name, pictures in zip(collection.classes, by_class)
        if len(pictures) < LEAST_PICTURES
    ]
    if few:
        raise DatasetError(
            f"too few pictures for the split: {', '.join(few)}; expected {LEAST_PICTURES} in every "
            "class at least, to learn from and to validate with. Add pictures, or remove these "
            "folders."
        )
    rng = np.random.default_rng(seed)
    learn: List[Picture] = []
    validate: List[Picture] = []
    for pictures in by_class:
        shuffled = [pictures[index] for index in rng.permutation(len(pictures))]
        count = min(max(round(len(pictures) * share), 1), len(pictures) - 1)
        validate += shuffled[:count]
        learn += shuffled[count:]
    return tuple(learn), tuple(validate)


def _is_visible(path: Path) -> bool:
    return not path.name.startswith(".")


def _why_unreadable(path: Path) -> str:
    try:
        read_picture(path)
    except PictureError as error:
        return str(error)
    return ""
