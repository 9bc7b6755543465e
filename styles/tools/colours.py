"""Pigments: hexadecimal palettes, broken colour, ramps."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from styles.tools.fields import Array


def pigments(text: str) -> Array:
    """Turn "1a2b3c ffeedd" into colours, float32 [N, 3] in [0, 1]."""
    rows = [[int(word[i : i + 2], 16) for i in (0, 2, 4)] for word in text.split()]
    return np.array(rows, np.float32) / 255


def ramp(colours: Array, position: Array) -> Array:
    """Colours [..., 3] along a ramp of pigments [N, 3]; position 0 is the first, 1 the last."""
    place = np.clip(position, 0, 1) * (len(colours) - 1)
    stops = np.arange(len(colours))
    channels = [np.interp(place, stops, colours[:, c]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def luma(colours: Array) -> Array:
    """Brightness [...] of colours [..., 3]."""
    return colours @ np.array([0.299, 0.587, 0.114], np.float32)


def vary(rng: np.random.Generator, colours: Array, light: float, hue: float) -> Array:
    """Shift each colour [N, 3] at random, in brightness and (less visibly) in hue."""
    count = len(colours)
    shift = rng.normal(0, light, (count, 1)) + rng.normal(0, hue, (count, 3))
    return np.clip(colours + shift, 0, 1).astype(np.float32)


def nearest(wanted: Array, palette: Array) -> Array:
    """For each wanted colour [N, 3] the pigment [N, 3] of the palette that comes closest."""
    weights = np.array([0.55, 0.77, 0.34], np.float32)
    gaps = (wanted[:, None, :] - palette[None, :, :]) * weights
    closest: Array = palette[np.argmin((gaps**2).sum(axis=-1), axis=1)]
    return closest


def saturate(colours: Array, amount: float) -> Array:
    """Push colours [..., 3] away from grey (amount > 1) or towards it (amount < 1)."""
    grey = luma(colours)[..., None]
    return np.clip(grey + (colours - grey) * amount, 0, 1)


def choose(rng: np.random.Generator, palette: Array, odds: Sequence[float], count: int) -> Array:
    """Draw pigments [count, 3] from a palette with the given odds."""
    share = np.asarray(odds, float)
    return palette[rng.choice(len(palette), count, p=share / share.sum())]
