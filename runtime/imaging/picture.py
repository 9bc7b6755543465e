"""Reads and writes picture files, and converts Pillow images to the graphs' arrays and back."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path
from typing import Union

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from runtime.errors import (
    DamagedPicture,
    NotAPicture,
    PictureError,
    PictureTooLarge,
    PictureTooSmall,
)
from runtime.files import atomic_write
from runtime.imaging.formats import FORMATS, WRITABLE, format_names

#: A header of 50 bytes can announce a picture of gigabytes, so there is a limit before decoding.
MOST_PIXELS = 50_000_000
LEAST_SIDE = 32


def read_picture(source: Union[str, Path, bytes]) -> Image.Image:
    """Read a file, or the bytes of one, as an upright RGB image without transparency.

    EXIF orientation is applied, transparency becomes white, and of an animation the first frame is
    read. Raises `NotAPicture`, `DamagedPicture`, `PictureTooLarge` or `PictureTooSmall`, whose
    messages suit a chat user, or `PictureError` itself if the file is missing or the disk fails.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            stream = io.BytesIO(source) if isinstance(source, bytes) else source
            with Image.open(stream, formats=[each.pillow for each in FORMATS]) as image:
                check_size(image.width, image.height)
                return _to_rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError as error:
        raise PictureError(f"There is no file {_called(source)}.") from error
    except IsADirectoryError as error:
        raise NotAPicture(f"{_called(source)} is a folder, not a picture.") from error
    except Image.DecompressionBombError as error:
        raise PictureTooLarge(f"The picture has too many pixels; {_limits()}") from error
    except UnidentifiedImageError as error:
        raise NotAPicture(
            f"{_called(source)} is not a picture in a format that can be read: "
            f"{format_names('or')}."
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        # Errors of the decoders have no errno, those of the operating system do.
        if isinstance(error, OSError) and error.errno is not None:
            raise PictureError(f"{_called(source)} cannot be read: {error.strerror}.") from error
        raise DamagedPicture(f"{_called(source)} is damaged or incomplete ({error}).") from error


def check_size(width: int, height: int) -> None:
    """Raise `PictureTooLarge` or `PictureTooSmall` for a picture outside the limits."""
    message = f"The picture is {width}x{height} pixels; {_limits()}"
    if width * height > MOST_PIXELS:
        raise PictureTooLarge(message)
    if min(width, height) < LEAST_SIDE:
        raise PictureTooSmall(message)


def check_writable(path: Path) -> None:
    """Raise `PictureError` unless a picture can be written at `path`; call it before the work.

    The suffix must be that of a format, and the folder must exist and be writable.
    """
    if path.suffix.lower() not in WRITABLE:
        raise PictureError(
            f"{path} has no suffix of a picture format; end the name in one of "
            f"{', '.join(WRITABLE)}."
        )
    if path.is_dir():
        raise PictureError(f"{path} is a folder; give the name of a file.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise PictureError(f"{path} cannot be written: {error.strerror or error}.") from error


def write_picture(image: Image.Image, path: Path) -> None:
    """Write an RGB image at `path`, whole or not at all, in the format of its suffix.

    Raises `PictureError` for an unknown suffix or a path that cannot be written.
    """
    check_writable(path)
    file_format = WRITABLE[path.suffix.lower()]
    try:
        with atomic_write(path) as file:
            image.save(file, file_format.pillow, **(file_format.save_options or {}))
    except OSError as error:
        raise PictureError(f"{path} cannot be written: {error.strerror or error}.") from error


def to_array(image: Image.Image) -> np.ndarray:
    """An RGB image as float32 [1, 3, H, W] in [0, 1]."""
    pixels = np.asarray(image, np.float32).transpose(2, 0, 1)[None]
    return np.ascontiguousarray(pixels) * np.float32(1 / 255)


def to_image(array: np.ndarray) -> Image.Image:
    """float32 [1, 3, H, W] as an RGB image; values are clipped to [0, 1]."""
    pixels = np.rint(np.clip(array[0], 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _to_8_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
    # A copy, so that nothing refers to the file, and without the metadata of the original.
    rgb = image.convert("RGB").copy()
    rgb.info.clear()
    return rgb


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16 or 32 bits to 8; Pillow's own conversion clips at 255."""
    values = np.asarray(image, np.float64)
    full = 65535.0 if values.max() > 255 else 255.0
    return Image.fromarray(np.uint8(np.clip(values / full, 0, 1) * 255 + 0.5))


def _called(source: Union[str, Path, bytes]) -> str:
    return "The file" if isinstance(source, bytes) else str(source)


def _limits() -> str:
    megapixels = MOST_PIXELS // 1_000_000
    return f"the limits are {megapixels} megapixels and at least {LEAST_SIDE} pixels per side."
