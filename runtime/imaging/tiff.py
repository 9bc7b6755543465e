"""TIFF files without their metadata, and their samples where Pillow does not convert them.

The tags are those of TIFF 6.0 and its supplements.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from PIL import Image, TiffImagePlugin

from runtime.errors import PictureTooLarge
from runtime.imaging import tones
from runtime.imaging.limits import MOST_PIXELS, Box, check_size, strips

SIGNATURES = {b"II*\0": "<", b"MM\0*": ">"}

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _STRIP_BYTES, _PLANAR, _PREDICTOR = 273, 277, 279, 284, 317
_TILE_WIDTH, _TILE_OFFSETS, _TILE_BYTES, _EXTRA_SAMPLES, _FORMAT = 322, 324, 325, 338, 339
_ROWS_PER_STRIP, _COLOUR_MAP, _INKS, _TILE_LENGTH, _JPEG_TABLES = 278, 320, 332, 323, 347
_T4, _T6, _PROFILE, _ORIENTATION = 292, 293, 34675, 274

#: The tags that make the picture. Pillow reads all that there are, and some make it fail.
_KEPT = {
    *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIP_OFFSETS, _SAMPLES),
    *(_ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR, _T4, _T6, _PREDICTOR, _COLOUR_MAP, _TILE_WIDTH),
    *(_TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTES, _INKS, _EXTRA_SAMPLES, _FORMAT, _JPEG_TABLES),
    # JPEG as in TIFF 6.0, and the sampling of YCbCr.
    *(*range(512, 522), *range(529, 533), _PROFILE),
}

_UNSIGNED = {1: "B", 3: "H", 4: "I"}
_LONG = 4

#: Compressions that keep bytes: none, LZW, both numbers of Deflate, PackBits, LZMA and Zstandard.
_OF_BYTES = (1, 5, 8, 32946, 32773, 34925, 50000)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_UNASSOCIATED_ALPHA = 2
#: NumPy's kinds of the sample formats; 4 is undefined.
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}

#: The most bytes that the samples may take; Pillow itself refuses 179 MB.
_MOST_BYTES = 7 * MOST_PIXELS // 2


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


def without_metadata(data: bytes) -> Tuple[bytes, int]:
    """The first picture of the file `data` with its colours alone, and its orientation.

    A file that cannot be understood is returned as it is.
    """
    directory = Directory.of(data)
    if directory is None:
        return data, 1
    return directory.file({}), directory.value(_ORIENTATION, 1)


class DeepTiff:
    """A picture of 16 to 64 bits per sample, grey or RGB, of whole numbers or fractions.

    Pillow takes some of these for other pictures, and most for none at all. Here it unpacks the
    bytes alone: of a picture of bytes that is as many times as wide.
    """

    def __init__(self, layout: _Layout, planes: Sequence[Image.Image]) -> None:
        self.size = layout.size
        #: Pillow's mode of the strips.
        self.mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[layout.colours + layout.alpha]
        self.info = planes[0].info
        self._layout = layout
        self._planes = planes
        peak = max(tones.largest(self._samples(box)[..., : layout.colours]) for box in self._boxes)
        self._white = tones.white_of(peak, fractions=layout.dtype.kind == "f")

    @classmethod
    def of(cls, data: bytes) -> Optional[DeepTiff]:
        """The picture in `data`; `None` if that is no such TIFF. Raises what Pillow does."""
        directory = Directory.of(data)
        layout = None if directory is None else _Layout.of(directory)
        if directory is None or layout is None:
            return None
        check_size(*layout.size)
        width, height = layout.size
        if layout.row_bytes * layout.planes * height > _MOST_BYTES:
            raise PictureTooLarge(
                f"The picture is {width}x{height} pixels of {8 * layout.pixel_bytes} bits; expected"
                f" at most {_MOST_BYTES // 1_000_000} MB in all."
            )
        files = [
            directory.file(layout.as_bytes(directory, plane)) for plane in range(layout.planes)
        ]
        planes = [TiffImagePlugin.TiffImageFile(io.BytesIO(each)) for each in files]
        for each in planes:
            each.load()
        return cls(layout, planes)

    def crop(self, box: Box) -> Image.Image:
        """A strip of whole rows with 8 bits per sample."""
        layout = self._layout
        samples = self._samples(box)
        colours = tones.to_8_bits(
            samples[..., : layout.colours], self._white, inverted=layout.inverted
        )
        if layout.alpha:
            opaque = 1.0 if layout.dtype.kind == "f" else float(np.iinfo(layout.dtype).max)
            alpha = tones.to_8_bits(samples[..., layout.colours :], opaque)
            colours = np.concatenate([colours, alpha], axis=-1)
        # For Pillow, a grey picture has no third dimension.
        return Image.fromarray(
            np.ascontiguousarray(colours[..., 0] if self.mode == "L" else colours)
        )

    @property
    def _boxes(self) -> List[Box]:
        return list(strips(*self.size))

    def _samples(self, box: Box) -> np.ndarray:
        """The samples of whole rows, [rows, width, colours and alpha]."""
        layout = self._layout
        _, top, _, bottom = box
        parts = [
            layout.unpack(np.asarray(each.crop((0, top, each.width, bottom))))
            for each in self._planes
        ]
        return np.concatenate(parts, axis=-1)[..., : layout.colours + layout.alpha]


@dataclass(frozen=True)
class _Layout:
    """How the samples lie in the bytes.

    planes: the number of planes, each with its strips; 1 if the samples of a pixel lie together.
    samples: those of a pixel in one plane.
    tile: the width of a tile, or of the picture if that has strips.
    alpha: 1 if the sample after the colours is the opacity, else 0.
    """

    size: Tuple[int, int]
    dtype: np.dtype
    colours: int
    alpha: int
    inverted: bool
    planes: int
    samples: int
    tile: int
    predictor: int

    @classmethod
    def of(cls, directory: Directory) -> Optional[_Layout]:
        """The layout of a picture that is read here; `None` for any other."""
        bits = directory.values(_BITS)
        kinds = directory.values(_FORMAT) or (1,)
        size = directory.value(_WIDTH, 0), directory.value(_HEIGHT, 0)
        photometric = directory.value(_PHOTOMETRIC, -1)
        samples = directory.value(_SAMPLES, 1)
        if (
            len(set(bits)) != 1
            or bits[0] not in (16, 32, 64)
            or len(set(kinds)) != 1
            or kinds[0] not in _KINDS
            or directory.value(_COMPRESSION, 1) not in _OF_BYTES
            or photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
            or 0 in size
        ):
            return None
        dtype = np.dtype(f"{directory.order}{_KINDS[kinds[0]]}{bits[0] // 8}")
        colours = 3 if photometric == _RGB else 1
        # Pillow converts RGB of 16 bits itself.
        if samples < colours or (colours == 3 and dtype.kind == "u" and dtype.itemsize == 2):
            return None
        separate = directory.value(_PLANAR, 1) == 2
        alpha = samples > colours and directory.value(_EXTRA_SAMPLES, 0) == _UNASSOCIATED_ALPHA
        return cls(
            size=size,
            dtype=dtype,
            colours=colours,
            alpha=int(alpha),
            inverted=photometric == _WHITE_IS_ZERO,
            planes=colours + int(alpha) if separate else 1,
            samples=1 if separate else samples,
            tile=directory.value(_TILE_WIDTH, 0) or size[0],
            predictor=directory.value(_PREDICTOR, 1),
        )

    @property
    def pixel_bytes(self) -> int:
        """The bytes of a pixel in one plane."""
        return self.samples * self.dtype.itemsize

    @property
    def row_bytes(self) -> int:
        """The bytes of a row in one plane; it ends with a whole tile."""
        return -(-self.size[0] // self.tile) * self.tile * self.pixel_bytes

    def as_bytes(self, directory: Directory, plane: int) -> Dict[int, Sequence[int]]:
        """The tags that make a plane a grey picture of bytes."""
        changes: Dict[int, Sequence[int]] = {
            _WIDTH: (self.row_bytes,),
            _BITS: (8,),
            _FORMAT: (1,),
            _PHOTOMETRIC: (_BLACK_IS_ZERO,),
            _SAMPLES: (1,),
            _EXTRA_SAMPLES: (),
            _PLANAR: (1,),
            _PREDICTOR: (1,),
        }
        if directory.values(_TILE_WIDTH):
            changes[_TILE_WIDTH] = (self.tile * self.pixel_bytes,)
        for tag in (_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES):
            values = directory.values(tag)
            if values and self.planes > 1:
                of_plane = len(values) // directory.value(_SAMPLES, 1)
                changes[tag] = values[plane * of_plane : (plane + 1) * of_plane]
        return changes

    def unpack(self, rows: np.ndarray) -> np.ndarray:
        """The bytes of whole rows as samples [rows, width, samples].

        Raises `ValueError` for an unknown predictor.
        """
        tiles = rows.reshape(len(rows), -1, self.tile * self.pixel_bytes)
        if self.predictor == 3:
            # Differences of bytes, the most significant byte of each sample first.
            steps = tiles.reshape(*tiles.shape[:2], -1, self.samples)
            sums = np.cumsum(steps, axis=2, dtype=np.uint8)
            planes = sums.reshape(*tiles.shape[:2], self.dtype.itemsize, -1)
            values = np.ascontiguousarray(np.swapaxes(planes, 2, 3))
            samples = values.view(self.dtype.newbyteorder(">"))
        elif self.predictor in (1, 2):
            samples = np.ascontiguousarray(tiles).view(self.dtype)
        else:
            raise ValueError(f"predictor {self.predictor}; expected 1, 2 or 3")
        samples = samples.reshape(*tiles.shape[:2], self.tile, self.samples)
        if self.predictor == 2:
            samples = np.cumsum(samples, axis=2, dtype=self.dtype.newbyteorder("="))
        return samples.reshape(len(rows), -1, self.samples)[:, : self.size[0]]
