"""Samples of more than 8 bits as 8 bits."""

from __future__ import annotations

import numpy as np

#: The bits that samples in larger words are said to have; white is the largest value of the
#: smallest that holds them. Not 14: a dark picture of 16 bits would be taken for one.
_BITS = (8, 10, 12, 16)

#: Fractions are from 0 to 1, and a little more where a highlight or a filter overshoots. A picture
#: from 0 to 255 with nothing above this would be black.
_MOST_FRACTION = 16


def largest(values: np.ndarray) -> float:
    """The largest finite value; 0 if there is none."""
    return float(np.max(values, where=np.isfinite(values), initial=0))


def white_of(largest_value: float, *, fractions: bool) -> float:
    """The value of white in a picture with this largest value; `fractions` if not all are whole."""
    if fractions and largest_value < _MOST_FRACTION:
        return 1.0
    whites = (float(2**bits - 1) for bits in _BITS)
    return next((white for white in whites if largest_value <= white), largest_value)


def to_8_bits(values: np.ndarray, white: float, *, inverted: bool = False) -> np.ndarray:
    """`values` as uint8, scaled so that `white` becomes 255, or 0 if they are `inverted`.

    What lies outside is clipped, and what is not a number becomes 0.
    """
    with np.errstate(all="ignore"):
        shares = np.clip(values.astype(np.float32) / np.float32(white), 0, 1)
    shares[np.isnan(shares)] = 0
    if inverted:
        shares = 1 - shares
    return np.uint8(shares * 255 + np.float32(0.5))
