"""A decoded frame as a picture in sRGB, whatever colours and dynamic range its video has."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from runtime.spec.engines import Size

#: The numbers of ITU-T H.273 for the transfer functions of HDR.
PQ, HLG = 16, 18

#: What white is in an HDR video, and its brightest point, in cd/m² (ITU-R BT.2408, BT.2100).
_WHITE, _PEAK = 203.0, 1000.0

#: Linear light of BT.2020 as that of sRGB (ITU-R BT.2087), and its luminance.
_TO_SRGB = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)

#: The light from which on highlights are compressed; 1 is white.
_SHOULDER = np.float32(0.6)


def picture_of(frame: Any, size: Size, transfer: int) -> Image.Image:
    """PyAV's `frame` as RGB of this (width, height); what is transparent is white.

    transfer: the number of the transfer function that the stream names.
    """
    if transfer in (PQ, HLG):
        light = _light(transfer)[_pixels(frame, size, "rgb48le")]
        return Image.fromarray(_shown(light if transfer == PQ else _displayed(light)))
    if not any(each.is_alpha for each in frame.format.components):
        return Image.fromarray(_pixels(frame, size, "rgb24"))
    image = Image.fromarray(_pixels(frame, size, "rgba"))
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _pixels(frame: Any, size: Size, kind: str) -> np.ndarray:
    """The frame scaled to (width, height), [H, W, C]."""
    # Without `dst_colorspace` PyAV before 16 takes all colours for those of BT.601.
    scaled = frame.reformat(*size, format=kind, dst_colorspace="DEFAULT", interpolation="AREA")
    pixels: np.ndarray = scaled.to_ndarray()
    return pixels


@lru_cache(maxsize=None)
def _light(transfer: int) -> np.ndarray:
    """Linear light by 16-bit value, float32 [65536]: of the display for PQ, of the scene for HLG.

    1 is white on the display, and the brightest point of the scene (ITU-R BT.2100).
    """
    signal = np.linspace(0, 1, 1 << 16)
    if transfer == PQ:
        power = signal ** (1 / 78.84375)
        light = (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (
            1 / 0.1593017578125
        )
        return np.float32(light * 10_000 / _WHITE)
    high = (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return np.float32(np.where(signal <= 0.5, signal**2 / 3, high))


def _displayed(scene: np.ndarray) -> np.ndarray:
    """The light of a display of `_PEAK` that shows a scene (HLG's OOTF), where 1 is white."""
    luminance = np.maximum(scene @ _LUMINANCE, 1e-6)[..., None]
    shown: np.ndarray = scene * luminance ** np.float32(0.2) * np.float32(_PEAK / _WHITE)
    return shown


def _shown(light: np.ndarray) -> np.ndarray:
    """Linear light of BT.2020 [H, W, 3], in which 1 is white, as uint8 in sRGB.

    What is brighter than white is compressed, with its hue kept.
    """
    light = light @ _TO_SRGB.T
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    room = 1 - _SHOULDER
    compressed = _SHOULDER + room * (1 - np.exp((_SHOULDER - brightest) / room))
    light = light * np.where(brightest > _SHOULDER, compressed / brightest, 1)
    light = np.clip(light, 0, 1)
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.uint8(curve * 255 + 0.5)
