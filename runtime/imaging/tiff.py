"""TIFF files without their metadata.

The tags are those of TIFF 6.0 and its supplements.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import PIL

from runtime.errors import DamagedPicture, FormatUnavailable

SIGNATURES = {b"II*\0": "<", b"MM\0*": ">"}


class Tag(IntEnum):
    """The tags that are used here."""

    WIDTH = 256
    HEIGHT = 257
    BITS_PER_SAMPLE = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    SAMPLES_PER_PIXEL = 277
    ROWS_PER_STRIP = 278
    STRIP_BYTE_COUNTS = 279
    PLANAR_CONFIGURATION = 284
    T4_OPTIONS = 292
    T6_OPTIONS = 293
    PREDICTOR = 317
    COLOUR_MAP = 320
    TILE_WIDTH = 322
    TILE_LENGTH = 323
    TILE_OFFSETS = 324
    TILE_BYTE_COUNTS = 325
    INK_SET = 332
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    JPEG_TABLES = 347
    COLOUR_PROFILE = 34675


#: The tags that make the picture. Pillow reads all that there are, and some make it fail.
_KEPT = {
    *(set(Tag) - {Tag.ORIENTATION}),
    # JPEG as in TIFF 6.0, and the sampling of YCbCr.
    *range(512, 522),
    *range(529, 533),
}

#: Older versions of Pillow read behind buffers while they decode some kinds of files
#: (docs/security.md).
_SAFE_PILLOW = 13
_PILLOW = int(PIL.__version__.partition(".")[0])

#: What is to be in bytes 3 and 4 of files that Pillow takes for TIFF and BigTIFF, in any order.
_MAGIC = ({0, 42}, {0, 43})
_TILE_TAGS = (Tag.TILE_WIDTH, Tag.TILE_LENGTH, Tag.TILE_OFFSETS, Tag.TILE_BYTE_COUNTS)
_YCBCR = 6
#: As in TIFF 6.0, and as in its supplement.
_JPEG = (6, 7)

_UNSIGNED = {1: "B", 3: "H", 4: "I"}
_LONG = 4


class Directory:
    """The first directory of a file: one picture with its tags."""

    def __init__(self, data: bytes, order: str) -> None:
        """Raises `struct.error` for a directory that the file does not hold whole."""
        self._data = data
        self._order = order
        (start,) = struct.unpack_from(f"{order}4xI", data)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        #: The entries of 12 bytes by their tags.
        self._entries: Dict[int, bytes] = {}
        for position in range(start + 2, start + 2 + 12 * count, 12):
            (entry,) = struct.unpack_from("12s", data, position)
            self._entries.setdefault(struct.unpack(f"{order}H10x", entry)[0], entry)

    @classmethod
    def of(cls, data: bytes) -> Optional[Directory]:
        """The first directory of `data`; `None` if that is no TIFF or too damaged."""
        order = SIGNATURES.get(data[:4])
        try:
            return None if order is None else cls(data, order)
        except struct.error:
            return None

    @property
    def order(self) -> str:
        """The file's byte order: `<` or `>`."""
        return self._order

    def values(self, tag: int) -> Tuple[int, ...]:
        """The values of a tag of whole numbers; empty if it is missing or damaged."""
        if tag not in self._entries:
            return ()
        _, kind, count, start = struct.unpack(f"{self._order}HHII", self._entries[tag])
        if kind not in _UNSIGNED:
            return ()
        layout = f"{self._order}{count}{_UNSIGNED[kind]}"
        try:
            if struct.calcsize(layout) <= 4:
                return struct.unpack_from(layout, self._entries[tag], 8)
            return struct.unpack_from(layout, self._data, start)
        except struct.error:
            return ()

    def __contains__(self, tag: int) -> bool:
        """Whether there is such a tag, of any kind."""
        return tag in self._entries

    def value(self, tag: int, default: int) -> int:
        """The first value of a tag."""
        return next(iter(self.values(tag)), default)

    def file(self, changes: Mapping[int, Sequence[int]]) -> bytes:
        """The file with the tags of the picture alone, some with other values or, if empty, none."""
        start = len(self._data) + len(self._data) % 2
        tags = (self._entries.keys() & _KEPT) | changes.keys()
        kept = sorted(tag for tag in tags if changes.get(tag, (0,)))
        entries: List[bytes] = []
        # Values that do not fit into an entry follow the directory.
        rest = b""
        rest_start = start + 2 + 12 * len(kept) + 4
        for tag in kept:
            if tag not in changes:
                entries.append(self._entries[tag])
                continue
            values = struct.pack(f"{self._order}{len(changes[tag])}I", *changes[tag])
            head = struct.pack(f"{self._order}HHI", tag, _LONG, len(changes[tag]))
            if len(values) <= 4:
                entries.append(head + values)
            else:
                entries.append(head + struct.pack(f"{self._order}I", rest_start + len(rest)))
                rest += values
        header = self._data[:4] + struct.pack(f"{self._order}I", start)
        count = struct.pack(f"{self._order}H", len(kept))
        padding = bytes(start - len(self._data))
        return b"".join([header, self._data[8:], padding, count, *entries, bytes(4), rest])


def check_decodable(data: bytes) -> None:
    """Refuse a TIFF that the installed Pillow does not decode safely.

    Raises `FormatUnavailable`, or `DamagedPicture` if its tags cannot be read.
    """
    if _PILLOW >= _SAFE_PILLOW or data[:2] not in (b"II", b"MM") or set(data[2:4]) not in _MAGIC:
        return
    directory = Directory.of(data)
    if directory is None and data[:4] in SIGNATURES:
        raise DamagedPicture("The picture is damaged or incomplete (its directory).")
    kind = "of another byte order or size" if directory is None else _unsafe_kind(directory)
    if kind is not None:
        raise FormatUnavailable(
            f"The picture is a TIFF file {kind}, which Pillow {PIL.__version__} does not decode "
            f"safely; expected one in strips, grey or RGB, without JPEG, or Pillow {_SAFE_PILLOW}."
        )


def _unsafe_kind(directory: Directory) -> Optional[str]:
    # libtiff takes tags of more types than are read here.
    photometric = directory.value(Tag.PHOTOMETRIC, _YCBCR)
    compression = directory.value(Tag.COMPRESSION, _JPEG[0] if Tag.COMPRESSION in directory else 1)
    kinds = {
        "with tiles": any(tag in directory for tag in _TILE_TAGS),
        "with YCbCr colours": photometric == _YCBCR,
        "with JPEG data": compression in _JPEG,
    }
    return next((kind for kind, is_so in kinds.items() if is_so), None)


def without_metadata(data: bytes) -> Tuple[bytes, int]:
    """The first picture of the file `data` with its colours alone, and its orientation.

    A file that cannot be understood is returned as it is.
    """
    directory = Directory.of(data)
    if directory is None:
        return data, 1
    return directory.file({}), directory.value(Tag.ORIENTATION, 1)
