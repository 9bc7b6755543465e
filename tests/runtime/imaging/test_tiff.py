"""TIFFs of scientists, scanners and image editors, which Pillow takes for something else."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from runtime.errors import DamagedPicture, FormatUnavailable, NotAPicture, PictureTooLarge
from runtime.imaging import deep_tiff, limits, tiff
from runtime.imaging.reading import read_picture
from tests.support import tiffs
from tests.support.pictures import photo

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
PHOTO = photo(75, 53)
COLOURS = np.asarray(PHOTO)
GREYS = np.asarray(PHOTO.convert("L"))
SHARES = COLOURS / 255


SAFE_PILLOW = pytest.mark.skipif(
    tiff._PILLOW < tiff._SAFE_PILLOW, reason="this Pillow does not decode such files safely"
)
TILED = pytest.param({"tile": 32}, marks=SAFE_PILLOW)


def away(read, expected):
    if expected.ndim == 2:
        expected = expected[..., None]
    return np.abs(np.asarray(read, float) - expected).max()


def test_fractions_from_0_to_1_are_not_black():
    values = np.linspace(0.27, 0.742, 240 * 180, dtype=np.float32).reshape(180, 240)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "TIFF")
    read = np.asarray(read_picture(buffer.getvalue()))
    assert abs(read.mean() - 129) < 2


#: With white in a corner: the largest value says how many of 32 bits are used.
CORNERED = GREYS.copy()
CORNERED[0, 0] = 255


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "values",
    [
        np.float32(CORNERED / 255),
        np.float32(CORNERED),
        np.float64(CORNERED) / 255,
        np.uint16(CORNERED) * 257,
        np.uint16(CORNERED),
        # 12 bits in 16.
        np.uint16(CORNERED / 255 * 4095),
        np.uint32(CORNERED) * 0x01010101,
    ],
    ids=["0 to 1", "0 to 255", "double", "16 bits", "8 in 16", "12 in 16", "32 bits"],
)
def test_grey_of_any_depth(values, order):
    assert away(read_picture(tiffs.tiff(values, BLACK_IS_ZERO, order=order)), CORNERED) <= 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_white_may_be_zero(order, dtype):
    full = 65535 if dtype is np.uint16 else 1
    values = ((255 - GREYS.astype(float)) / 255 * full).astype(dtype)
    assert away(read_picture(tiffs.tiff(values, WHITE_IS_ZERO, order=order)), GREYS) <= 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("layout", [{}, TILED, {"separate": True}], ids=str)
@pytest.mark.parametrize("packing", [{}, {"deflate": True}], ids=str)
@pytest.mark.parametrize(
    "dtype, predictor",
    [("f4", 1), ("f4", 3), ("f2", 3), ("u4", 1), ("u4", 2), ("f8", 1)],
)
def test_rgb_of_more_than_16_bits(order, layout, packing, dtype, predictor):
    full = 1 if dtype[0] == "f" else 2**32 - 1
    file = tiffs.tiff(
        (SHARES * full).astype(dtype), RGB, order=order, predictor=predictor, **layout, **packing
    )
    scale = 255 / COLOURS.max() if dtype == "u4" else 1
    assert away(read_picture(file), COLOURS * scale) <= 1


def test_opacity_of_a_deep_picture_counts():
    values = np.dstack([SHARES, np.zeros_like(SHARES[..., 0])]).astype(np.float32)
    values[:, :40, 3] = 1
    extra = (338, 3, 1, struct.pack("<HH", 2, 0))
    read = np.asarray(read_picture(tiffs.tiff(values, RGB, more=[extra])))
    assert np.abs(read[:, :40] - COLOURS[:, :40].astype(int)).max() <= 1
    assert (read[:, 40:] == 255).all()


def test_orientation_of_a_deep_picture_is_applied():
    upside_down = np.uint16(GREYS[::-1, ::-1]) * 257
    turned = (274, 3, 1, struct.pack("<HH", 3, 0))
    assert away(read_picture(tiffs.tiff(upside_down, BLACK_IS_ZERO, more=[turned])), GREYS) <= 1


def test_what_is_not_a_number_is_black():
    values = np.float32(GREYS / 255)
    values[0, 0], values[1, 1], values[2, 2] = np.nan, np.inf, -np.inf
    read = read_picture(tiffs.tiff(values, BLACK_IS_ZERO))
    assert [read.getpixel((at, at))[0] for at in range(3)] == [0, 255, 0]
    assert np.abs(np.asarray(read, int)[3:, 3:, 0] - GREYS[3:, 3:]).max() <= 1


def test_tags_of_the_wrong_type_do_not_matter():
    """Resolution, software, EXIF and GPS directories, as texts and numbers."""
    wrong = [(tag, kind, 1, b"\xff\xff\xff\x7f") for tag in (282, 305, 34665) for kind in (5,)]
    wrong += [(34853, 2, 4, b"abc\0"), (33723, 4, 1, b"abcd"), (700, 12, 9, b"abcd")]
    read = read_picture(tiffs.tiff(COLOURS, RGB, more=wrong))
    assert away(read, COLOURS) == 0


def test_large_samples_are_refused_before_decoding(monkeypatch):
    monkeypatch.setattr(deep_tiff, "_MOST_BYTES", 10_000)
    with pytest.raises(PictureTooLarge, match="96 bits"):
        read_picture(tiffs.tiff(SHARES.astype(np.float32), RGB))
    header = bytearray(tiffs.tiff(SHARES.astype(np.float32), RGB))
    side = int(limits.MOST_PIXELS**0.5) + 1
    for tag in (256, 257):
        at = header.index(struct.pack("<HHI", tag, 4, 1)) + 8
        header[at : at + 4] = struct.pack("<I", side)
    with pytest.raises(PictureTooLarge, match=f"{side}x{side}"):
        read_picture(bytes(header))


@SAFE_PILLOW
def test_offset_far_outside_the_file_is_damage_and_no_fault_of_the_disk(tmp_path):
    """Pillow seeks there, and the system answers with the number of an error of its own."""
    path = tmp_path / "far.tif"
    path.write_bytes(b"II+\0\x08\0\0\0" + b"\xff" * 8 + bytes(100))
    with pytest.raises(DamagedPicture):
        read_picture(path)


def test_directory_outside_the_file_is_damage():
    with pytest.raises(DamagedPicture):
        read_picture(b"II*\0" + b"\xff\xff\xff\x7f" + bytes(100))


def test_other_kinds_of_samples_are_not_read():
    with pytest.raises(NotAPicture):
        read_picture(tiffs.tiff(np.int8(GREYS // 2), 77))


def saved(**options):
    """A file as Pillow and libtiff write it."""
    buffer = io.BytesIO()
    PHOTO.save(buffer, "TIFF", **options)
    return buffer.getvalue()


def with_kind(file, tag, kind):
    """The file with a tag of another kind of numbers."""
    at = file.index(struct.pack("<HHI", tag, 4, 1))
    return file[: at + 2] + struct.pack("<H", kind) + file[at + 4 :]


UNSAFE = {
    "tiles": tiffs.tiff(COLOURS, RGB, tile=32),
    "deep tiles": tiffs.tiff(SHARES.astype(np.float32), RGB, tile=32),
    "tiles of signed numbers": with_kind(tiffs.tiff(COLOURS, RGB, tile=32), 322, 9),
    "YCbCr": tiffs.tiff(COLOURS, 6),
    "colours of signed numbers": with_kind(tiffs.tiff(COLOURS, 6), 262, 9),
    "JPEG": saved(compression="jpeg"),
    "BigTIFF": b"II+\0" + bytes(100),
    "wrong byte order": b"II\0*" + tiffs.tiff(COLOURS, RGB)[4:],
}


@pytest.mark.parametrize("file", UNSAFE.values(), ids=UNSAFE)
def test_a_pillow_with_known_holes_decodes_no_tiles_and_no_ycbcr(monkeypatch, file):
    monkeypatch.setattr(tiff, "_PILLOW", 12)
    with pytest.raises(FormatUnavailable, match="does not decode safely"):
        read_picture(file)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "packbits"])
def test_a_pillow_with_known_holes_reads_strips(monkeypatch, compression):
    monkeypatch.setattr(tiff, "_PILLOW", 12)
    assert away(read_picture(saved(compression=compression)), COLOURS) == 0
    with pytest.raises(DamagedPicture):
        read_picture(b"II*\0" + bytes(100))
