"""Keeps a repainted video from flickering.

The network's strokes jump between frames that differ by noise or by a moving camera. What stood
still, or moved with the whole frame, therefore keeps most of what was painted there before. The
idea is that of Ruder, Dosovitskiy and Brox, "Artistic style transfer for videos" (2016), without an
optical flow for each pixel: phase correlation (Kuglin and Hines 1975) finds the camera's motion.
"""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np
from PIL import Image, ImageChops, ImageFilter

#: How much of the previous painting is kept where the video did not change.
_KEPT = 0.8

#: The change of the luminance, of 255, at which a share of 1/e of that is kept: above the noise of a
#: camera and a codec, below what moves.
_CHANGE = 9.0

#: The radius in pixels over which the change is averaged.
_RADIUS = 2

#: The camera's motion is looked for in pictures that are smaller by this factor.
_COARSER = 2


class Steadying:
    """Mixes each painted frame with the one before it, moved along with the camera."""

    def __init__(self) -> None:
        self._source: Optional[Image.Image] = None
        self._painted: Optional[Image.Image] = None

    def steady(self, source: Image.Image, painted: Image.Image) -> Image.Image:
        """The painting of the next frame, steadied; both are RGB, and all are of one size."""
        grey = source.convert("L")
        if self._source is not None and self._painted is not None:
            motion = _motion(self._source, grey)
            kept = _kept(_moved(self._source, motion), grey)
            # Nothing is known of what comes in at the edge.
            inside = _moved(Image.new("L", grey.size, 255), motion)
            kept = ImageChops.multiply(kept, inside)
            painted = Image.composite(_moved(self._painted, motion), painted, kept)
        self._source, self._painted = grey, painted
        return painted


def _kept(before: Image.Image, now: Image.Image) -> Image.Image:
    """How much of the previous painting is kept at each pixel, of 255."""
    change = ImageChops.difference(before, now).filter(ImageFilter.BoxBlur(_RADIUS))
    return change.point([round(255 * _KEPT * np.exp(-((x / _CHANGE) ** 2))) for x in range(256)])


def _motion(before: Image.Image, now: Image.Image) -> Tuple[float, float]:
    """By how many pixels the picture moved to the right and down."""
    size = (max(1, now.width // _COARSER), max(1, now.height // _COARSER))
    # The edges of a picture would be its strongest feature.
    window = np.outer(np.hanning(size[1]), np.hanning(size[0]))
    first, second = (
        np.fft.rfft2(window * np.asarray(each.resize(size, Image.Resampling.BOX), np.float32))
        for each in (before, now)
    )
    cross = second * np.conj(first)
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-6), window.shape)
    row, column = np.unravel_index(int(np.argmax(peaks)), peaks.shape)
    right, down = _offset(peaks[row], int(column)), _offset(peaks[:, column], int(row))
    return right * _COARSER, down * _COARSER


def _offset(line: np.ndarray, peak: int) -> float:
    """Where the maximum of a periodic line is, between its points and with a sign."""
    left, middle, right = (float(line[(peak + step) % len(line)]) for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    nearest = peak if peak <= len(line) // 2 else peak - len(line)
    return nearest + ((left - right) / (2 * curvature) if curvature else 0.0)


def _moved(picture: Image.Image, motion: Tuple[float, float]) -> Image.Image:
    """The picture moved to the right and down; what comes in is black."""
    right, down = motion
    matrix = (1, 0, -right, 0, 1, -down)
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
