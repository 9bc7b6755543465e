from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runtime.errors import (
    DamagedPicture,
    NotAPicture,
    PictureError,
    PictureTooLarge,
    PictureTooSmall,
)
from runtime.imaging.formats import WRITABLE
from runtime.imaging.limits import LEAST_SIDE, MOST_PIXELS
from runtime.imaging.reading import read_picture, to_array, to_image
from runtime.imaging.writing import write_picture
from tests.support.pictures import encoded, photo, png_header
from tests.support.pictures import image as make_image

PHOTO = photo(64, 48)


def difference(first, second):
    return np.abs(np.asarray(first, float) - np.asarray(second, float)).mean()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_reads_what_it_promises(file_format):
    read = read_picture(encoded(PHOTO, file_format, quality=92))
    assert read.mode == "RGB" and read.size == PHOTO.size
    assert difference(read, PHOTO) < 6


def test_animation_gives_its_first_frame():
    frames = [make_image(40, 40, seed=seed) for seed in (1, 2, 3)]
    read = read_picture(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert difference(read, frames[0]) < 12 < difference(read, frames[1])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16", "I"])
def test_every_mode_becomes_rgb(mode):
    if mode in ("I;16", "I"):
        values = np.asarray(PHOTO.convert("L"), np.uint16) * 257
        source = Image.fromarray(values if mode == "I;16" else values.astype(np.int32))
        expected = PHOTO.convert("L").convert("RGB")
    else:
        source = PHOTO.convert(mode)
        expected = source.convert("RGB")
    file_format = {"CMYK": "JPEG", "YCbCr": "JPEG", "I": "TIFF"}.get(mode, "PNG")
    read = read_picture(encoded(source, file_format, quality=92))
    assert read.mode == "RGB"
    assert difference(read, expected) < 6


def test_transparency_lies_on_white():
    clear = PHOTO.convert("RGBA")
    clear.putalpha(0)
    assert (
        difference(read_picture(encoded(clear, "PNG")), Image.new("RGB", PHOTO.size, "white")) == 0
    )


@pytest.mark.parametrize(
    "orientation, transform",
    [
        (3, Image.Transpose.ROTATE_180),
        (6, Image.Transpose.ROTATE_270),
        (8, Image.Transpose.ROTATE_90),
    ],
)
def test_photo_stands_upright(orientation, transform):
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_picture(encoded(PHOTO, "JPEG", exif=exif, quality=95))
    expected = PHOTO.transpose(transform)
    assert read.size == expected.size and difference(read, expected) < 6
    assert not read.getexif()


def test_missing_file_is_named(tmp_path):
    with pytest.raises(PictureError, match=r"no file .*nothing\.jpg"):
        read_picture(tmp_path / "nothing.jpg")


def test_folder_is_not_a_picture(tmp_path):
    with pytest.raises(NotAPicture, match="folder"):
        read_picture(tmp_path)


def test_disk_that_fails_is_not_the_picture_s_fault(tmp_path, monkeypatch):
    def failing_disk(*_, **__):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", failing_disk)
    with pytest.raises(PictureError, match=r"photo\.jpg cannot be read: Input/output") as caught:
        read_picture(tmp_path / "photo.jpg")
    assert type(caught.value) is PictureError


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.4", b"\x00" * 5000])
def test_other_files_are_not_pictures(content):
    with pytest.raises(NotAPicture, match="not a picture"):
        read_picture(content)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_truncated_picture_is_told(file_format):
    whole = encoded(PHOTO, file_format)
    with pytest.raises((DamagedPicture, NotAPicture)):
        read_picture(whole[: len(whole) // 2])


def test_broken_data_are_told_from_another_kind_of_file():
    broken = bytearray(encoded(PHOTO, "PNG"))
    broken[len(broken) // 2] ^= 0xFF
    with pytest.raises(DamagedPicture, match="damaged or incomplete"):
        read_picture(bytes(broken))


def test_bomb_is_refused_before_decoding():
    with pytest.raises(PictureTooLarge, match="megapixels"):
        read_picture(png_header(30000, 30000))
    side = int(MOST_PIXELS**0.5) + 1
    with pytest.raises(PictureTooLarge, match=f"{side}x{side}"):
        read_picture(png_header(side, side))


@pytest.mark.parametrize("size", [(1, 1), (LEAST_SIDE - 1, 400), (400, LEAST_SIDE - 1)])
def test_tiny_picture_is_refused(size):
    with pytest.raises(PictureTooSmall, match=f"{size[0]}x{size[1]}.*{LEAST_SIDE} pixels"):
        read_picture(encoded(Image.new("RGB", size), "PNG"))


@pytest.mark.parametrize("suffix", WRITABLE)
def test_writes_by_suffix(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    write_picture(PHOTO, path)
    assert difference(read_picture(path), PHOTO) < 6
    assert list(tmp_path.iterdir()) == [path]


def test_unknown_suffix_lists_the_known(tmp_path):
    with pytest.raises(PictureError, match=r"\.jpg, .*\.png"):
        write_picture(PHOTO, tmp_path / "out.xyz")


def test_unwritable_place_is_told(tmp_path):
    with pytest.raises(PictureError, match="cannot be written"):
        write_picture(PHOTO, tmp_path / "no such folder" / "out.png")
    with pytest.raises(PictureError, match=r"folder|format"):
        write_picture(PHOTO, tmp_path)


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "out.png"
    write_picture(PHOTO, path)
    before = path.read_bytes()

    def full_disk(self, target, *args, **kwargs):
        target.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(PictureError, match="No space left"):
        write_picture(PHOTO, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_arrays_and_images_are_the_same_picture():
    array = to_array(PHOTO)
    assert array.shape == (1, 3, 48, 64) and array.dtype == np.float32
    assert array.min() >= 0 and array.max() <= 1
    assert difference(to_image(array), PHOTO) == 0
