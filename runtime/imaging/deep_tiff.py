"""The samples of TIFF files that Pillow does not convert: deep, with fractions, or signed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image, TiffImagePlugin

from runtime.errors import PictureTooLarge
from runtime.imaging import tones
from runtime.imaging.limits import MOST_PIXELS, Box, check_size, strips
from runtime.imaging.tiff import Directory, Tag

#: Compressions that keep bytes: none, LZW, both numbers of Deflate, PackBits, LZMA and Zstandard.
_OF_BYTES = (1, 5, 8, 32946, 32773, 34925, 50000)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_UNASSOCIATED_ALPHA = 2
#: NumPy's kinds of the sample formats; 4 is undefined.
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}

#: The most bytes that the samples may take; Pillow itself refuses 179 MB.
_MOST_BYTES = 7 * MOST_PIXELS // 2


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
        bits = directory.values(Tag.BITS_PER_SAMPLE)
        kinds = directory.values(Tag.SAMPLE_FORMAT) or (1,)
        size = directory.value(Tag.WIDTH, 0), directory.value(Tag.HEIGHT, 0)
        photometric = directory.value(Tag.PHOTOMETRIC, -1)
        samples = directory.value(Tag.SAMPLES_PER_PIXEL, 1)
        if (
            len(set(bits)) != 1
            or bits[0] not in (16, 32, 64)
            or len(set(kinds)) != 1
            or kinds[0] not in _KINDS
            or directory.value(Tag.COMPRESSION, 1) not in _OF_BYTES
            or photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
            or 0 in size
        ):
            return None
        dtype = np.dtype(f"{directory.order}{_KINDS[kinds[0]]}{bits[0] // 8}")
        colours = 3 if photometric == _RGB else 1
        # Pillow converts RGB of 16 bits itself.
        if samples < colours or (colours == 3 and dtype.kind == "u" and dtype.itemsize == 2):
            return None
        separate = directory.value(Tag.PLANAR_CONFIGURATION, 1) == 2
        alpha = samples > colours and directory.value(Tag.EXTRA_SAMPLES, 0) == _UNASSOCIATED_ALPHA
        return cls(
            size=size,
            dtype=dtype,
            colours=colours,
            alpha=int(alpha),
            inverted=photometric == _WHITE_IS_ZERO,
            planes=colours + int(alpha) if separate else 1,
            samples=1 if separate else samples,
            tile=directory.value(Tag.TILE_WIDTH, 0) or size[0],
            predictor=directory.value(Tag.PREDICTOR, 1),
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
            Tag.WIDTH: (self.row_bytes,),
            Tag.BITS_PER_SAMPLE: (8,),
            Tag.SAMPLE_FORMAT: (1,),
            Tag.PHOTOMETRIC: (_BLACK_IS_ZERO,),
            Tag.SAMPLES_PER_PIXEL: (1,),
            Tag.EXTRA_SAMPLES: (),
            Tag.PLANAR_CONFIGURATION: (1,),
            Tag.PREDICTOR: (1,),
        }
        if directory.values(Tag.TILE_WIDTH):
            changes[Tag.TILE_WIDTH] = (self.tile * self.pixel_bytes,)
        for tag in (
            Tag.STRIP_OFFSETS,
            Tag.STRIP_BYTE_COUNTS,
            Tag.TILE_OFFSETS,
            Tag.TILE_BYTE_COUNTS,
        ):
            values = directory.values(tag)
            if values and self.planes > 1:
                of_plane = len(values) // directory.value(Tag.SAMPLES_PER_PIXEL, 1)
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
