"""The photo in the style's colours: painting starts from it and needs fewer steps."""

from __future__ import annotations

import numpy as np

#: Variance below which a colour direction counts as flat, in units of the range [0, 1].
_FLAT = 1e-4


def match_colours(picture: np.ndarray, style: np.ndarray) -> np.ndarray:
    """`picture` with the mean and covariance of the colours of `style`.

    Both are float32 [1, 3, H, W] in [0, 1], of any two sizes; the result is clipped to [0, 1]. Of
    all linear maps it is the one that changes colours least (Pitie and Kokaram 2007, "The Linear
    Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer", equation 5).
    """
    pixels, goal = (each[0].reshape(3, -1).astype(np.float64) for each in (picture, style))
    root = _power(np.cov(pixels) + _FLAT * np.eye(3), 0.5)
    inverse = np.linalg.inv(root)
    covariance = np.cov(goal) + _FLAT * np.eye(3)
    mapping = inverse @ _power(root @ covariance @ root, 0.5) @ inverse
    centred = pixels - pixels.mean(axis=1, keepdims=True)
    moved = mapping @ centred + goal.mean(axis=1, keepdims=True)
    return np.clip(moved, 0, 1).reshape(picture.shape).astype(np.float32)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """A symmetric positive matrix to a power."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T
