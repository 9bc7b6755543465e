"""Fetches published weights, checks them, and reports the outcome of each.

When one set cannot be downloaded, the others are fetched all the same.
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
    FACE_DETECTOR,
    FINE_TUNED_SLICE,
    GENERATOR,
    PHOTO,
    SKETCH_NETWORKS,
    WEIGHTS,
    Entry,
    Made,
    Source,
    Url,
    Wheel,
    entry,
)
from export.sources.checkpoint import read_tensors
from export.sources.download import Patience, download, file_sha256
from export.sources.face_detector import load_face_detector
from export.sources.generator_layouts import load_generator
from export.sources.sketch_networks import load_sketch_networks
from export.sources.vgg_finetuned import read_finetuned
from export.sources.vgg_slice import read_slice, write_slice
from export.sources.wheels import check_wheel, download_wheel, extract
from runtime.errors import PictureError
from runtime.imaging.reading import read_picture
from runtime.spec.vgg import CLASSIC, DEEP, VGG19_CHANNELS

#: The folder of the photos that the bot's examples are made from.
PHOTOS = Path(__file__).resolve().parent.parent.parent / "bot" / "examples" / "photos"

#: The states of a set of weights in a report.
THERE, FETCHED, MISSING = "there", "fetched", "missing"

_SLICES = {CLASSIC_SLICE: CLASSIC, DEEP_SLICE: DEEP}

#: Called with the set, the downloaded bytes and the size of the whole file, None if unknown.
OnProgress = Callable[[Entry, int, Optional[int]], None]


@dataclass(frozen=True)
class Outcome:
    """The outcome of one set: `message` describes it, or says why it is missing and what to do."""

    entry: Entry
    state: str
    message: str


@dataclass(frozen=True)
class Report:
    """The outcome of every requested set, in the order of the request."""

    outcomes: Tuple[Outcome, ...]

    @property
    def missing(self) -> Tuple[str, ...]:
        """The names of the sets that could not be fetched."""
        return tuple(each.entry.name for each in self.outcomes if each.state == MISSING)

    def __str__(self) -> str:
        """A line for each set, followed by the licence and the citation of an available one."""
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
    """Fetch the weights called `names` into `folder`, unless they are there already.

    Photos are fetched into `photos`; the owner may put another photo there instead.

    Every file, new or not, is checked: by its published sha256 where there is one, and always by
    its tensors or pixels. Returns the outcome of each; a failure does not stop the others.

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
                # The photo may be the owner's; the licence and citation that follow are the published one's.
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
        """Fetch the file to `path`; returns its description, or raises an `ExportError`."""
        if isinstance(entry.source, Made):
            raise WeightsMissing("It is not published.")
        if isinstance(entry.source, Wheel):
            self._from_wheel(entry, entry.source, path)
            return f"{_checked(entry, path)}."
        problems: List[ExportError] = []
        for url in (entry.source.url, *entry.source.mirrors):
            try:
                return self._download(entry, entry.source, url, path)
            except (DownloadError, CheckpointError) as error:
                problems.append(error)
        if len(problems) == 1:
            raise problems[0]
        raise DownloadError(" ".join(map(str, problems)))

    def _download(self, entry: Entry, source: Url, url: str, path: Path) -> str:
        said: List[str] = []
        found = download(
            url,
            path,
            most_bytes=source.most_bytes,
            sha256=source.sha256,
            check=lambda part: said.append(_checked(entry, part)),
            on_progress=lambda done, total: self.on_progress(entry, done, total),
            patience=self.patience,
        )
        return f"{said[0]}. {_about_sum(source, found)}"

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
        return f"No checksum is published for it; the sha256 of this file is {found}."
    return "Its sha256 is the published one."


def _checked(entry: Entry, path: Path) -> str:
    """Describe the file at `path`; raises an `ExportError` if it does not fit `entry`."""
    if entry.loader in _SLICES:
        arrays = read_slice(path.parent, _SLICES[entry.loader])
        return f"VGG-19, {len(arrays) // 3} convolutions"
    if entry.loader == FINE_TUNED_SLICE:
        return f"VGG-19, {len(read_finetuned(path.parent).convolutions)} convolutions"
    published = _published_sum(entry.source)
    if published:
        found = file_sha256(path)
        if not found.startswith(published):
            raise ChecksumMismatch(
                f"{path.name} has the sha256 {found}, but the published file has {published}."
            )
    if entry.loader == FACE_DETECTOR:
        return str(load_face_detector(path))
    if entry.loader == SKETCH_NETWORKS:
        return str(load_sketch_networks(path))
    if entry.loader == GENERATOR:
        return str(load_generator(path))
    if entry.loader == PHOTO:
        return _checked_photo(path)
    return _checked_torchvision(path)


def _published_sum(source: Source) -> Optional[str]:
    """The published sha256 of a source's file, or its first digits."""
    if isinstance(source, Wheel):
        return source.sha256 if source.member is None else source.member_sha256
    return source.sha256 if isinstance(source, Url) else None


def _checked_photo(path: Path) -> str:
    try:
        photo = read_picture(path)
    except PictureError as error:
        raise DownloadError(str(error)) from error
    return f"A photo, {photo.width} x {photo.height} pixels"


def _checked_torchvision(path: Path) -> str:
    """Check by its convolutions that the file holds torchvision's VGG-19."""
    tensors = read_tensors(path)
    found = [array.shape[0] for name, array in tensors.items() if array.ndim == 4]
    expected = list(VGG19_CHANNELS.values())
    if found[: len(expected)] != expected:
        raise CheckpointError(
            f"{path.name} has convolutions of {found} channels; VGG-19 begins with {expected}."
        )
    return f"torchvision's VGG-19, {len(found)} convolutions"
