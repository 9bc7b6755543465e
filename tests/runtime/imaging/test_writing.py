"""What cannot be written is reported before the work."""

from __future__ import annotations

import pytest
from PIL import Image

from runtime.errors import PictureError
from runtime.imaging.formats import WRITABLE
from runtime.imaging.reading import read_picture
from runtime.imaging.writing import check_writable, write_picture
from tests.support.pictures import photo

PHOTO = photo(64, 48)


@pytest.mark.parametrize("suffix", WRITABLE)
def test_the_longest_side_is_that_of_the_encoder(tmp_path, suffix):
    longest = WRITABLE[suffix].most_side
    path = tmp_path / f"out{suffix}"
    for size in ((longest or 70_000, 1), (1, longest or 70_000)):
        write_picture(Image.new("RGB", size), path)
        with Image.open(path) as written:
            assert written.size == size
    if longest:
        for size in ((longest + 1, 32), (32, longest + 1)):
            with pytest.raises(PictureError, match=rf"{size[0]}x{size[1]}.* {longest} pixels.*png"):
                check_writable(path, size)
            with pytest.raises(PictureError, match=str(longest)):
                write_picture(Image.new("RGB", size), path)


def test_gif_is_read_only(tmp_path):
    with pytest.raises(PictureError, match=r"JPEG, PNG, WebP, BMP or TIFF; .*\.jpg, "):
        check_writable(tmp_path / "x.gif", PHOTO.size)


@pytest.mark.parametrize("length", [200, 255])
def test_a_long_name_is_written(tmp_path, length):
    path = tmp_path / f"{'n' * (length - 4)}.png"
    check_writable(path, PHOTO.size)
    write_picture(PHOTO, path)
    assert list(tmp_path.iterdir()) == [path] and read_picture(path).size == PHOTO.size


def test_a_name_too_long_is_reported_before_the_work(tmp_path):
    with pytest.raises(PictureError, match="cannot be written: File name too long"):
        check_writable(tmp_path / f"{'n' * 252}.png", PHOTO.size)


@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_is_followed(tmp_path, there):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target, link = folder / "out.png", tmp_path / "link.png"
    if there:
        target.write_bytes(b"old")
    link.symlink_to(target)
    write_picture(PHOTO, link)
    assert link.is_symlink() and not target.is_symlink()
    assert read_picture(target).size == PHOTO.size
    assert list(folder.iterdir()) == [target]


def test_a_link_into_a_folder_that_is_not_there_is_reported(tmp_path):
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "absent" / "out.png")
    with pytest.raises(PictureError, match=r"link\.png cannot be written"):
        check_writable(link, PHOTO.size)
