"""Reads damaged pictures of all formats: `python -m tests.support.picture_fuzz --count 200000`.

Anything but `PictureError` is a fault; see `tests.support.fuzz`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from runtime.errors import PictureError
from runtime.imaging import deep_tiff, limits, reading
from tests.support import fuzz, tiffs
from tests.support.pictures import encoded, photo, with_scans

CASES = Path(__file__).resolve().parent.parent / "runtime" / "imaging" / "cases"

#: Fewer than usual: a changed header announces a large picture, which takes long to unpack.
MOST_PIXELS = 1_000_000


def whole_files():
    """A file or more of every format, by a name."""
    image = photo(64, 48)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    exif.get_ifd(0x8769)[0x9003] = "2024:01:01 00:00:00"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    meta = {"exif": exif, "icc_profile": profile}
    frames = [Image.new("RGB", (64, 48), "white"), image, photo(64, 48, "cat.jpg")]
    moving = {"save_all": True, "append_images": frames[1:]}
    shares = np.asarray(image, np.float32) / 255
    deep = np.asarray(image.convert("L"), np.uint16) * 257
    files = {
        "jpeg": encoded(image, "JPEG", **meta),
        "progressive": encoded(image, "JPEG", progressive=True, **meta),
        "cmyk": encoded(image.convert("CMYK"), "JPEG"),
        "scans": with_scans(image, 20),
        "png": encoded(image, "PNG", **meta),
        "apng": encoded(frames[0], "PNG", **moving),
        "webp": encoded(image, "WEBP", **meta),
        "moving webp": encoded(frames[0], "WEBP", **moving),
        "bmp": encoded(image, "BMP"),
        "gif": encoded(frames[0], "GIF", **moving),
        "tiff of doubles": tiffs.tiff(shares.astype("f8"), 2, order=">", tile=16),
        "planar tiff": tiffs.tiff(shares, 2, separate=True),
        "deep tiff": tiffs.tiff(deep, 0, deflate=True, predictor=2),
        "tiff of fractions": tiffs.tiff(shares, 2, deflate=True, predictor=3),
    }
    for mode in ("1", "L", "LA", "P", "RGBA"):
        files[f"png {mode}"] = encoded(image.convert(mode), "PNG")
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        files[f"tiff {packing}"] = encoded(image, "TIFF", compression=packing, **meta)
    files["fax"] = encoded(image.convert("1"), "TIFF", compression="group4")
    for name in sorted(each.name for each in CASES.iterdir()):
        if name != "bigtext.png":
            files[name] = (CASES / name).read_bytes()
    return files


def _outcome(data):
    try:
        read = reading.read_picture(data)
    except PictureError as error:
        return type(error).__name__
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        return f"!{type(error).__name__}: {error}"
    usable = read.mode == "RGB" and min(read.size) >= limits.LEAST_SIDE and not read.info
    return "read" if usable else f"!{read}"


if __name__ == "__main__":
    limits.MOST_PIXELS, deep_tiff._MOST_BYTES = MOST_PIXELS, 8 * MOST_PIXELS
    sys.exit(fuzz.main(__doc__, whole_files(), _outcome, ("read", "FormatUnavailable")))
