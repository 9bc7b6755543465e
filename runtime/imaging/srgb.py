"""Pictures with a colour profile in sRGB."""

from __future__ import annotations

import io
import logging
from typing import Optional

from PIL import Image, ImageCms

_log = logging.getLogger(__name__)

#: The mode of Pillow for the colour spaces of profiles that are used.
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_GREY_MODES = ("1", "L", "LA", "La", "I", "F")


class SrgbTransform:
    """Converts images with one colour profile to sRGB."""

    def __init__(self, transform: ImageCms.ImageCmsTransform, mode: str) -> None:
        self._transform = transform
        self._mode = mode

    def apply(self, image: Image.Image) -> Image.Image:
        """`image`, which has no transparency, as RGB."""
        converted = self._transform.apply(image.convert(self._mode))
        assert converted is not None
        return converted


def srgb_transform(profile: Optional[bytes], mode: str) -> Optional[SrgbTransform]:
    """The transform to sRGB for images of this mode with this ICC profile.

    `None` if there is no profile, it is damaged, or it is not for such images; the colours are then
    taken for sRGB as they are.
    """
    if not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        profile_mode = _MODES.get(source.profile.xcolor_space.strip())
        if profile_mode is None or not _fits(profile_mode, mode):
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            profile_mode,
            "RGB",
            # As browsers and image editors do.
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        _log.info("A picture's colour profile cannot be used: %s", error)
        return None
    return SrgbTransform(transform, profile_mode)


def _fits(profile_mode: str, mode: str) -> bool:
    if "CMYK" in (profile_mode, mode):
        return profile_mode == mode
    # A grey picture may have an RGB profile.
    return profile_mode == "RGB" or mode in _GREY_MODES or mode.startswith("I;16")
