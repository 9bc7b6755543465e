"""Small files that went wrong once, each the smallest of its kind, and their right values."""

from __future__ import annotations

import io
import struct
import sys
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageCms

from runtime.errors import (
    DamagedPicture,
    DecodingTooSlow,
    FormatUnavailable,
    PictureTooLarge,
)
from runtime.imaging import jpeg, reading
from runtime.imaging.reading import read_picture
from tests.support.pictures import encoded, photo, with_scans

CASES = Path(__file__).resolve().parent / "cases"
PHOTO = photo(64, 48)


def difference(first, second):
    return np.abs(np.asarray(first, float) - np.asarray(second, float)).mean()


def png_chunk(kind, content):
    crc = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + crc


def with_chunks(png, *chunks):
    """The PNG with other chunks after its header."""
    return png[:33] + b"".join(png_chunk(*each) for each in chunks) + png[33:]


@pytest.mark.parametrize("name", sorted(each.name for each in CASES.glob("broken-exif-*")))
def test_wrong_exif_tags_do_not_matter(name):
    assert read_picture(CASES / name).size == (120, 160)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_read_whatever_else_the_exif_holds(file_format, order):
    entries = [
        # The software as a number, the resolution as a text, directories that are not there.
        struct.pack(f"{order}HHII", 305, 4, 1, 7),
        struct.pack(f"{order}HHIHH", 0x0112, 3, 1, 6, 0),
        struct.pack(f"{order}HHI4s", 282, 2, 4, b"abc\0"),
        struct.pack(f"{order}HHII", 34665, 4, 1, 0xFFFFFF),
        struct.pack(f"{order}HHI4s", 34853, 2, 4, b"abc\0"),
    ]
    start = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(entries))
    exif = b"Exif\0\0" + start + b"".join(entries)
    read = read_picture(encoded(PHOTO, file_format, exif=exif, quality=95))
    assert read.size == (48, 64)
    assert difference(read, PHOTO.transpose(Image.Transpose.ROTATE_270)) < 6


@pytest.mark.parametrize(
    "exif", [b"", b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"nonsense" * 9]
)
def test_damaged_exif_leaves_the_picture_as_it_is(exif):
    data = encoded(PHOTO, "JPEG", quality=95)
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif
    assert read_picture(data[:2] + segment + data[2:]).size == PHOTO.size


@pytest.mark.parametrize(
    ("name", "pixel"), [("icc-p3.jpg", (219, 29, 31)), ("icc-prophoto.jpg", (220, 27, 31))]
)
def test_wide_colours_become_srgb(name, pixel):
    read = read_picture(CASES / name).getpixel((50, 40))
    assert max(abs(value - right) for value, right in zip(read, pixel)) <= 3


def profile(name):
    """The profile of a case, or sRGB's."""
    if name == "sRGB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(CASES / name) as image:
        return image.info["icc_profile"]


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA", "L"])
def test_a_profile_counts_in_every_mode(mode):
    wide = profile("icc-prophoto.jpg")
    source = PHOTO.convert(mode)
    expected = ImageCms.profileToProfile(
        source.convert("RGB"),
        ImageCms.ImageCmsProfile(io.BytesIO(wide)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=1,
    )
    read = read_picture(encoded(source, "PNG", icc_profile=wide))
    assert difference(read, expected) < 1 < difference(read, PHOTO) or mode == "L"


def test_srgb_stays_as_it_is():
    read = read_picture(encoded(PHOTO, "PNG", icc_profile=profile("sRGB")))
    assert np.abs(np.asarray(read, int) - np.asarray(PHOTO, int)).max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("broken", [b"x", b"\0" * 128, b"profile" * 40], ids=len)
def test_a_broken_profile_is_ignored(mode, broken):
    source = PHOTO.convert(mode)
    plain = read_picture(encoded(source, "JPEG", quality=92))
    assert (
        difference(read_picture(encoded(source, "JPEG", quality=92, icc_profile=broken)), plain)
        == 0
    )
    cut = profile("icc-p3.jpg")[:200]
    assert (
        difference(read_picture(encoded(source, "JPEG", quality=92, icc_profile=cut)), plain) == 0
    )


def test_a_profile_for_other_colours_is_ignored():
    source = PHOTO.convert("CMYK")
    wide = profile("icc-p3.jpg")
    plain = read_picture(encoded(source, "JPEG", quality=92))
    assert (
        difference(read_picture(encoded(source, "JPEG", quality=92, icc_profile=wide)), plain) == 0
    )


def test_much_text_does_not_matter():
    read = read_picture(CASES / "bigtext.png")
    assert read.size == (240, 180) and read.getpixel((50, 40)) == (220, 30, 30)


def test_no_metadata_of_a_png_matters():
    bomb = zlib.compress(bytes(100 << 20))
    many = [(b"tEXt", b"a\0" + bytes(1000))] * 1000
    chunks = [
        (b"zTXt", b"a\0\0" + bomb),
        (b"iTXt", b"a\0\1\0\0\0" + bomb),
        (b"iCCP", b"a\0\0" + bomb),
        (b"iCCP", b"a"),
        (b"pHYs", b""),
        (b"gAMA", b"1"),
        (b"cHRM", b"1"),
        (b"sRGB", b""),
        (b"eXIf", b"II*\0\xff\xff\xff\xff"),
        *many,
    ]
    began = time.monotonic()
    assert difference(read_picture(with_chunks(encoded(PHOTO, "PNG"), *chunks)), PHOTO) == 0
    assert time.monotonic() - began < 2


def test_thousands_of_scans_are_refused_at_once():
    """As many as would take 40 s or more to decode."""
    data = with_scans(Image.new("RGB", (4096, 4096)), 3000)
    began = time.monotonic()
    with pytest.raises(DecodingTooSlow, match="scans"):
        read_picture(data)
    assert time.monotonic() - began < 2


def test_an_ordinary_progressive_jpeg_is_read():
    assert difference(read_picture(encoded(PHOTO, "JPEG", progressive=True, quality=95)), PHOTO) < 6
    read_picture(with_scans(PHOTO, jpeg.MOST_SCANS))


def test_what_follows_a_jpeg_is_no_part_of_it():
    """The video of a motion photo holds the bytes of any marker."""
    data = encoded(PHOTO, "JPEG", quality=95)
    assert difference(read_picture(data + b"\xff\xda\0\x08" * 1000), PHOTO) < 6


def test_the_first_frame_that_shows_something_is_read():
    frames = [Image.new("RGB", PHOTO.size, colour) for colour in ("white", "black")] + [PHOTO]
    for file_format in ("GIF", "WEBP", "PNG"):
        moving = encoded(
            frames[0], file_format, save_all=True, append_images=frames[1:], lossless=True
        )
        assert difference(read_picture(moving), PHOTO) < 12, file_format


def test_a_transparent_first_frame_shows_nothing():
    frames = [Image.new("RGBA", PHOTO.size), PHOTO.convert("RGBA")]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], disposal=2)
    assert difference(read_picture(moving), PHOTO) < 12


def test_an_animation_of_blank_frames_is_read_all_the_same():
    frames = [Image.new("L", PHOTO.size, value) for value in range(60)]
    blank = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read_picture(blank).getcolors() == [(64 * 48, (0, 0, 0))]


@pytest.mark.parametrize("error", [OSError(22, "Invalid argument"), RuntimeError("!"), KeyError(1)])
def test_whatever_a_decoder_raises_is_damage(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(DamagedPicture):
        read_picture(encoded(PHOTO, "JPEG"))


def test_a_picture_that_needs_too_much_memory_is_too_large(monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(PictureTooLarge, match="memory"):
        read_picture(encoded(PHOTO, "JPEG"))


def test_a_file_without_an_end_is_too_large(monkeypatch):
    monkeypatch.setattr(reading, "_MOST_BYTES", 1000)
    with pytest.raises(PictureTooLarge, match="/dev/zero"):
        read_picture("/dev/zero")


def test_heic_is_read():
    pytest.importorskip("pi_heif")
    assert difference(read_picture(CASES / "photo.heic"), photo(96, 72)) < 8


def test_an_unsafe_libheif_is_not_used(monkeypatch):
    """It writes behind a buffer: the file is refused instead, with a sentence."""
    heif = SimpleNamespace(libheif_version=lambda: "1.20.2")
    monkeypatch.setitem(sys.modules, "pi_heif", heif)
    monkeypatch.setattr(Image, "OPEN", {k: v for k, v in Image.OPEN.items() if k != "HEIF"})
    reading._optional_formats.cache_clear()
    try:
        with pytest.raises(FormatUnavailable, match="HEIC, which cannot be read"):
            read_picture(CASES / "photo.heic")
    finally:
        reading._optional_formats.cache_clear()


def test_avif_is_read():
    Image.init()
    if "AVIF" not in Image.OPEN:
        pytest.skip("this Pillow reads no AVIF")
    assert difference(read_picture(CASES / "photo.avif"), photo(96, 72)) < 8


@pytest.mark.parametrize(("name", "title"), [("photo.heic", "HEIC"), ("photo.avif", "AVIF")])
def test_a_format_that_no_library_reads_is_named(monkeypatch, name, title):
    monkeypatch.setattr(reading, "_optional_formats", list)
    with pytest.raises(FormatUnavailable, match=f"{title}, which cannot be read.* JPEG, PNG"):
        read_picture(CASES / name)
