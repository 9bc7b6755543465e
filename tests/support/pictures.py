"""Photographs at small sizes, and pictures made on the spot with a photograph's spectrum."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

SAMPLES = Path(__file__).resolve().parent.parent.parent / "docs" / "pictures"


def photo(width: int, height: int, name: str = "coffee.jpg") -> Image.Image:
    """A sample photograph, stretched to a size."""
    with Image.open(SAMPLES / name) as sample:
        return sample.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def array(height: int, width: int, seed: int) -> np.ndarray:
    """A picture as float32 [1, 3, height, width] in [0, 1], with the spectrum of a photograph."""
    rng = np.random.default_rng(seed)
    layers = [
        ndimage.gaussian_filter(rng.standard_normal((3, height, width)), (0, sigma, sigma))
        * amplitude
        for sigma, amplitude in ((0.5, 1), (2, 2), (6, 6), (18, 18))
    ]
    total = np.sum(layers, axis=0)
    total = (total - total.min()) / (total.max() - total.min())
    return total[None].astype(np.float32)


def image(height: int, width: int, seed: int) -> Image.Image:
    """The same as a Pillow image."""
    pixels = array(height, width, seed)[0].transpose(1, 2, 0)
    return Image.fromarray(np.uint8(pixels * 255 + 0.5))


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """The file of an image, with the encoder's options."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def with_scans(image: Image.Image, count: int) -> bytes:
    """A progressive JPEG whose last scan is repeated until there are `count`."""
    data = encoded(image, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    return data[:-2] + scan * (count - data.count(b"\xff\xda")) + data[-2:]


def png_header(width, height):
    """The first bytes of a PNG of that size: all that is needed to ask for the memory."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + crc
    return start + struct.pack(">I", 100) + b"IDAT"
