"""Reads picture files, and converts Pillow images to the graphs' arrays and back."""

from __future__ import annotations

import functools
import io
import re
import warnings
from pathlib import Path
from typing import Any, Callable, List, Mapping, Tuple, Union

import numpy as np
from PIL import Image, UnidentifiedImageError

from runtime.errors import (
    DamagedPicture,
    FormatUnavailable,
    NotAPicture,
    PictureError,
    PictureTooLarge,
)
from runtime.imaging import jpeg, png, tiff, tones
from runtime.imaging.deep_tiff import DeepTiff
from runtime.imaging.exif import orientation, upright
from runtime.imaging.formats import AVIF, FORMATS, HEIC, OPTIONAL_FORMATS, format_names
from runtime.imaging.limits import MOST_PIXELS, Box, check_size, limits_text, strips
from runtime.imaging.srgb import srgb_transform
from runtime.imaging.tiff import Directory

#: No file of a picture within the limits is larger.
_MOST_BYTES = 16 * MOST_PIXELS

#: Bytes that are read at once.
_PIECE = 1 << 20

#: The first frames of an animation, among which one that shows something is looked for.
_MOST_FRAMES = 10

#: What takes the metadata from a file, by the file's first bytes.
_CLEANERS: Mapping[bytes, Callable[[bytes], Tuple[bytes, int]]] = {
    jpeg.SIGNATURE: jpeg.without_metadata,
    png.SIGNATURE: png.without_metadata,
    **dict.fromkeys(tiff.SIGNATURES, tiff.without_metadata),
}

#: The brands of HEIC and AVIF, which are both ISO base media files.
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIC),
    **dict.fromkeys((b"avif", b"avis"), AVIF),
}

#: How files of JPEG, PNG, GIF, WebP and BigTIFF begin. Other TIFFs may be something else, such as
#: the raw files of cameras.
_SIGNATURES = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}WEBP|II\+\0|MM\0\+", re.DOTALL
)

_TRANSPARENT = ("RGBA", "LA", "PA", "RGBa", "La")


def read_picture(source: Union[str, Path, bytes]) -> Image.Image:
    """Read a file, or the bytes of one, as an upright sRGB image without transparency.

    EXIF orientation is applied, colours are converted by the file's profile, transparency becomes
    white, and of an animation the first frame that shows something is read. Raises `NotAPicture`,
    `FormatUnavailable`, `DamagedPicture`, `DecodingTooSlow`, `PictureTooLarge` or
    `PictureTooSmall`, whose messages suit a chat user, or `PictureError` itself if the file is
    missing or the disk fails.
    """
    name = "The file" if isinstance(source, bytes) else str(source)
    try:
        data = source if isinstance(source, bytes) else _read_file(Path(source))
        with warnings.catch_warnings():
            # Of decoders, about damage that does not stop them.
            warnings.simplefilter("ignore")
            return _decode(data)
    except PictureError:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        raise PictureTooLarge(
            f"The picture takes too much memory to decode; {limits_text()}"
        ) from error
    except UnidentifiedImageError as error:
        raise _unidentified(name, data) from error
    # Decoders raise errors of any type for a damaged file.
    except Exception as error:
        raise DamagedPicture(f"{name} is damaged or incomplete ({error}).") from error


def to_array(image: Image.Image) -> np.ndarray:
    """An RGB image as float32 [1, 3, H, W] in [0, 1]."""
    pixels = np.asarray(image, np.float32).transpose(2, 0, 1)[None]
    return np.ascontiguousarray(pixels) * np.float32(1 / 255)


def to_image(array: np.ndarray) -> Image.Image:
    """float32 [1, 3, H, W] as an RGB image; values are clipped to [0, 1]."""
    pixels = np.rint(np.clip(array[0], 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _read_file(path: Path) -> bytes:
    """The whole file: what fails later is not the disk."""
    try:
        with path.open("rb") as file:
            # In pieces, since `read` takes the memory for all that it may get.
            data = bytearray()
            while len(data) <= _MOST_BYTES:
                piece = file.read(_PIECE)
                if not piece:
                    return bytes(data)
                data += piece
    except FileNotFoundError as error:
        raise PictureError(f"There is no file {path}.") from error
    except IsADirectoryError as error:
        raise NotAPicture(f"{path} is a folder, not a picture.") from error
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror or error}.") from error
    raise PictureTooLarge(
        f"{path} has more than {_MOST_BYTES // 1_000_000} MB, the most that a picture may have."
    )


def _unidentified(name: str, data: bytes) -> PictureError:
    """The error for a file of which Pillow does not know what it is."""
    brand = _BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None
    if brand is not None:
        return FormatUnavailable(
            f"{name} is {brand.title}, which cannot be read on this machine; expected "
            f"{format_names('or')}."
        )
    if _SIGNATURES.match(data) or (data[:4] in tiff.SIGNATURES and not Directory.of(data)):
        return DamagedPicture(f"{name} is damaged or incomplete (its header).")
    return NotAPicture(
        f"{name} is not a picture in a format that can be read: {format_names('or')}."
    )


def _decode(data: bytes) -> Image.Image:
    """The picture in `data`; raises what Pillow does."""
    clean = _CLEANERS.get(data[:3]) or _CLEANERS.get(data[:4]) or _CLEANERS.get(data[:8])
    data, turn = (data, 1) if clean is None else clean(data)
    tiff.check_decodable(data)
    deep = DeepTiff.of(data)
    if deep is not None:
        return upright(_to_rgb(deep), turn)
    formats = [each.pillow for each in FORMATS] + _optional_formats()
    with Image.open(io.BytesIO(data), formats=formats) as image:
        if turn == 1:
            turn = orientation(image.info.get("exif") or b"")
        return upright(_first_that_shows(image), turn)


#: Older ones write behind a buffer while they decode a stranger's file (CVE-2026-32740).
_SAFE_LIBHEIF = (1, 22)


@functools.lru_cache(maxsize=None)
def _optional_formats() -> List[str]:
    """Pillow's names of the optional formats that are read on this machine."""
    try:
        import pi_heif
    except ImportError:
        pass
    else:
        version = tuple(map(int, pi_heif.libheif_version().split(".")[:2]))
        if version >= _SAFE_LIBHEIF:
            pi_heif.register_heif_opener(thumbnails=False)
    Image.init()
    return [each.pillow for each in OPTIONAL_FORMATS if each.pillow in Image.OPEN]


def _first_that_shows(image: Image.Image) -> Image.Image:
    """The picture, or the first frame that is not of one colour, as upright RGB."""
    check_size(*image.size)
    first = _to_rgb(image)
    if _is_animation(image):
        shown = first
        for index in range(1, _MOST_FRAMES):
            if _shows(shown):
                return shown
            try:
                image.seek(index)
            except EOFError:
                break
            # A frame may be larger than the first.
            check_size(*image.size)
            shown = _to_rgb(image)
    return first


def _is_animation(image: Image.Image) -> bool:
    return any(each.animated and each.pillow == image.format for each in FORMATS + OPTIONAL_FORMATS)


def _shows(image: Image.Image) -> bool:
    extremes: Any = image.getextrema()
    return any(low != high for low, high in extremes)


def _to_rgb(image: Union[Image.Image, DeepTiff]) -> Image.Image:
    """`image` as sRGB, converted in strips; nothing of it refers to the file."""
    strip = image.crop if isinstance(image, DeepTiff) else _strips_of(image)
    transform = srgb_transform(image.info.get("icc_profile"), image.mode)
    result = Image.new("RGB", image.size)
    for box in strips(*image.size):
        opaque = _on_white(strip(box))
        rgb = opaque.convert("RGB") if transform is None else transform.apply(opaque)
        result.paste(rgb, box)
    return result


def _strips_of(image: Image.Image) -> Callable[[Box], Image.Image]:
    """Gives the strips of an image with 8 bits per sample."""
    image.load()
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image.crop
    # Pillow's own conversion clips at 255.
    peak = max(tones.largest(np.asarray(image.crop(box))) for box in strips(*image.size))
    white = tones.white_of(peak, fractions=image.mode == "F")

    def strip(box: Box) -> Image.Image:
        return Image.fromarray(tones.to_8_bits(np.asarray(image.crop(box)), white))

    return strip


def _on_white(image: Image.Image) -> Image.Image:
    """`image` without transparency."""
    if image.mode not in _TRANSPARENT and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
