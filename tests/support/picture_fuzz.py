"""Reads damaged pictures of all formats: `python -m tests.support.picture_fuzz --count 200000`.

Each is a whole file with a few changes, given by its number. Prints the numbers of those that raise
anything but `PictureError` or take too long, and ends with status 1 then. The number of the file
that crashes the process stays in the file `--at`.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import resource
import struct
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from runtime.errors import PictureError
from runtime.imaging import deep_tiff, limits, reading
from tests.support import tiffs
from tests.support.pictures import encoded, photo, with_scans

CASES = Path(__file__).resolve().parent.parent / "runtime" / "imaging" / "cases"

#: Seconds for one file, after which the process ends with the stack of all threads.
LONGEST = 10

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


def change(data, rng, others):
    """The file with one to four changes."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not data:
            break
        # Half of them where the headers are.
        at = int(rng.integers(min(len(data), 600) if rng.random() < 0.5 else len(data)))
        kind = rng.integers(8)
        length = int(rng.integers(1, 65))
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF]))
        elif kind == 2:
            order = rng.choice(["<", ">"])
            number = int(rng.choice([0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, len(data), length]))
            data[at : at + 4] = struct.pack(f"{order}I", number)
        elif kind == 3:
            data[at : at + length] = rng.bytes(length)
        elif kind == 4:
            del data[at : at + length]
        elif kind == 5:
            data[at:at] = data[int(rng.integers(len(data))) :][:length]
        elif kind == 6 and rng.random() < 0.3:
            del data[at:]
        elif kind == 7:
            other = others[int(rng.integers(len(others)))]
            start = int(rng.integers(len(other)))
            data[at : at + length] = other[start : start + length]
    return bytes(data)


def main():
    """Read the files; ends with the process's status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--at", type=Path)
    args = parser.parse_args()
    limits.MOST_PIXELS, deep_tiff._MOST_BYTES = MOST_PIXELS, 8 * MOST_PIXELS
    resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    files = whole_files()
    names, contents = list(files), list(files.values())
    for name, data in files.items():
        outcome = _outcome(data)
        # The longest-lived failure is a harness that tests nothing.
        assert outcome in ("read", "FormatUnavailable"), f"{name}: {outcome}"
    outcomes, slowest, faults = collections.Counter(), (0.0, 0), 0
    began = time.monotonic()
    for number in range(args.first, args.first + args.count):
        rng = np.random.default_rng((args.seed, number))
        which = int(rng.integers(len(names)))
        if args.at:
            args.at.write_text(f"{number} {names[which]}")
        started = time.monotonic()
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        outcome = _outcome(change(contents[which], rng, contents))
        faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, (time.monotonic() - started, number))
        outcomes[outcome] += 1
        if outcome.startswith("!"):
            faults += 1
            print(f"{number}, {names[which]}: {outcome}", flush=True)
    print(
        f"{args.count} files in {time.monotonic() - began:.0f} s, the slowest (number "
        f"{slowest[1]}) in {slowest[0]:.2f} s: {dict(outcomes)}"
    )
    return int(faults > 0)


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
    sys.exit(main())
