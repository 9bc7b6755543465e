"""After painting: less colour noise, the photo's size and detail, and its colours if wanted."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

#: How much of the photo's fine luminance is added; at 1 it looks printed over the paint.
DETAIL = 0.8

#: Standard deviation in pixels of the blur of the colours.
COLOUR_BLUR = 1.0

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def denoise_chroma(painted: Image.Image) -> Image.Image:
    """`painted`, RGB, with blurred colours and unchanged luminance.

    The networks hardly respond to colours that change from pixel to pixel (see `runtime.lbfgs`), so
    painting leaves speckles there.
    """
    luminance, *colours = painted.convert("YCbCr").split()
    blurred = [each.filter(ImageFilter.GaussianBlur(COLOUR_BLUR)) for each in colours]
    return Image.merge("YCbCr", [luminance, *blurred]).convert("RGB")


def enlarge(painted: Image.Image, photo: Image.Image) -> Image.Image:
    """`painted` at the size of `photo`, with the photo's fine luminance added.

    It is enlarged bicubically; added is `DETAIL` times what the photo's luminance loses when it is
    scaled to the size of `painted` and back. Both pictures and the result are RGB.
    """
    if painted.width >= photo.width and painted.height >= photo.height:
        return painted.resize(photo.size, Image.Resampling.LANCZOS)
    luminance = Image.fromarray(_luminance(photo))
    coarse = luminance.resize(painted.size, Image.Resampling.BICUBIC).resize(
        photo.size, Image.Resampling.BICUBIC
    )
    lost = np.asarray(luminance) - np.asarray(coarse)
    return _shifted(painted.resize(photo.size, Image.Resampling.BICUBIC), lost * np.float32(DETAIL))


def with_colours_of(photo: Image.Image, painted: Image.Image) -> Image.Image:
    """The luminance of `painted` in the colours of `photo`; RGB images of one size."""
    return _shifted(photo, _luminance(painted) - _luminance(photo))


def _luminance(image: Image.Image) -> np.ndarray:
    """float32 [H, W] in [0, 255] (ITU-R BT.601, as JPEG has it)."""
    return np.asarray(image, np.uint8).astype(np.float32) @ _LUMA


def _shifted(image: Image.Image, shift: np.ndarray) -> Image.Image:
    """`image` with `shift`, float32 [H, W], added to its luminance; its chrominance stays."""
    pixels = np.asarray(image, np.float32) + shift[..., None]
    return Image.fromarray(np.rint(np.clip(pixels, 0, 255)).astype(np.uint8))
