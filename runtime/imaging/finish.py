"""After painting: less colour noise, the photo's size and detail, and its colours if wanted."""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np
from PIL import Image, ImageFilter

from runtime.imaging.limits import Box, strips

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


def enlarge(
    painted: Image.Image,
    photo: Image.Image,
    detail: float,
    kept: Optional[Tuple[Image.Image, float]] = None,
) -> Image.Image:
    """`painted` at the size of `photo`, with the photo's fine luminance added.

    It is enlarged bicubically; added is `detail` times what the photo's luminance loses when it is
    scaled to the size of `painted` and back. `kept` is a map, greyscale and of the photo's size,
    with what takes the place of `detail` where it is white. The pictures and the result are RGB.
    """
    if painted.width >= photo.width and painted.height >= photo.height:
        return painted.resize(photo.size, Image.Resampling.LANCZOS)
    luminance = Image.new("F", photo.size)
    for box in strips(*photo.size):
        luminance.paste(Image.fromarray(_luminance(photo.crop(box))), box)
    coarse = luminance.resize(painted.size, Image.Resampling.BICUBIC)
    result = painted.resize(photo.size, Image.Resampling.BICUBIC)
    for box in strips(*photo.size):
        lost = np.asarray(luminance.crop(box)) - np.asarray(_enlarged_strip(coarse, photo, box))
        share = np.float32(detail)
        if kept is not None:
            white = np.asarray(kept[0].crop(box), np.float32) / np.float32(255)
            share = share + np.float32(kept[1] - detail) * white
        result.paste(_shifted(result.crop(box), lost * share), box)
    return result


def with_colours_of(photo: Image.Image, painted: Image.Image) -> Image.Image:
    """The luminance of `painted` in the colours of `photo`; RGB images of one size."""
    result = Image.new("RGB", photo.size)
    for box in strips(*photo.size):
        coloured = photo.crop(box)
        shift = _luminance(painted.crop(box)) - _luminance(coloured)
        result.paste(_shifted(coloured, shift), box)
    return result


def _enlarged_strip(coarse: Image.Image, photo: Image.Image, box: Box) -> Image.Image:
    """The strip of `coarse` enlarged to the size of `photo`."""
    _, top, width, bottom = box
    scale = coarse.height / photo.height
    return coarse.resize(
        (width, bottom - top),
        Image.Resampling.BICUBIC,
        box=(0, top * scale, coarse.width, min(bottom * scale, coarse.height)),
    )


def _luminance(image: Image.Image) -> np.ndarray:
    """float32 [H, W] in [0, 255] (ITU-R BT.601, as JPEG has it)."""
    return np.asarray(image, np.uint8).astype(np.float32) @ _LUMA


def _shifted(image: Image.Image, shift: np.ndarray) -> Image.Image:
    """`image` with `shift`, float32 [H, W], added to its luminance; its chrominance stays."""
    pixels = np.asarray(image, np.float32) + shift[..., None]
    return Image.fromarray(np.rint(np.clip(pixels, 0, 255)).astype(np.uint8))
