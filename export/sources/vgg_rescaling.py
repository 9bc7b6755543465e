"""Rescales VGG-19 layer by layer so that every layer's mean activation is 1.

The means of the shipped weights are constants in `vgg`; those of any other weights are measured
here on the sample photographs, with numpy alone.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np
from PIL import Image

from export.errors import WeightsError
from export.sources.vgg import MEAN_RGB, Convolution
from runtime.imaging.reading import read_picture, to_array

_SAMPLES = Path(__file__).resolve().parent.parent.parent / "docs" / "pictures"
#: The natural photographs among the samples.
PHOTOGRAPHS = tuple(
    _SAMPLES / name for name in ("nagasaki-boats.jpg", "cat.jpg", "coffee.jpg", "raccoon.jpg")
)
#: Their longer side while they are measured, in pixels: from 256 to 384 the means of the shipped
#: weights change by a sixth at most, and a factor of two does no harm.
SIDE = 256


def normalised(convolutions: Sequence[Convolution]) -> Tuple[Tuple[Convolution, ...], List[float]]:
    """The same network with every layer's mean activation at 1, and the means before.

    Pooling is the average. Both take RGB in [0, 1] minus `MEAN_RGB`. A ReLU network stays the same
    function except for the scale of its features.

    Raises `WeightsError` for a layer whose features are all zero, infinite or not numbers.
    """
    values = [_centred(path) for path in PHOTOGRAPHS]
    result, means = [], []
    incoming = 1.0
    for index, conv in enumerate(convolutions):
        if index and conv.name.endswith("_1"):
            values = [_pooled(each) for each in values]
        # The error below reports an overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            weight = (conv.weight * np.float32(incoming)).astype(np.float32)
            values = [_features(each, weight, conv.bias) for each in values]
            mean = float(np.mean([each.mean(dtype=np.float64) for each in values]))
        if not (np.isfinite(mean) and mean > 0):
            raise WeightsError(
                f"{conv.name} has a mean activation of {mean} on photographs; expected a positive "
                "number. These weights are unusable: the training diverged, or the file is damaged."
            )
        scale = np.float32(1 / mean)
        values = [each * scale for each in values]
        result.append(replace(conv, weight=weight * scale, bias=conv.bias * scale))
        means.append(mean)
        incoming = mean
    return tuple(result), means


def _centred(path: Path) -> np.ndarray:
    """A photograph as [3, H, W]."""
    picture = read_picture(path)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    centred: np.ndarray = to_array(picture)[0] - MEAN_RGB.reshape(3, 1, 1)
    return centred


def _features(value: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The 3x3 convolution with zero padding, as nine products of matrices, and ReLU."""
    _, height, width = value.shape
    padded = np.pad(value, ((0, 0), (1, 1), (1, 1)))
    total = np.zeros((weight.shape[0], height * width), np.float32)
    # Contiguous: NumPy up to 1.23 multiplies strided matrices without BLAS, twenty times slower.
    taps = np.ascontiguousarray(weight.transpose(2, 3, 0, 1))
    for row in range(3):
        for column in range(3):
            window = padded[:, row : row + height, column : column + width]
            total += taps[row, column] @ window.reshape(len(value), -1)
    total = np.maximum(total + bias[:, None], 0)
    return total.reshape(-1, height, width)


def _pooled(value: np.ndarray) -> np.ndarray:
    height, width = value.shape[1] // 2, value.shape[2] // 2
    windows = value[:, : height * 2, : width * 2].reshape(len(value), height, 2, width, 2)
    pooled: np.ndarray = windows.mean(axis=(2, 4))
    return pooled
