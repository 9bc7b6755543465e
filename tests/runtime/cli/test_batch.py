"""Several photos by one command; what paints them is a stand-in."""

from __future__ import annotations

import pytest
from PIL import Image, ImageOps

from runtime import cli
from runtime.errors import DeviceMemoryError, GraphMissing
from runtime.progress import Progress
from tests.support.pictures import photo


class Painter:
    """Inverts a photo in two steps; a photo of 51 pixels does what `fails` says."""

    def __init__(self):
        self.error = None
        self.given = []

    def stylize(self, content, styles, options, *, keep, on_progress, **_others):
        self.given.append((styles, options, keep))
        on_progress(Progress(1, 2, 1 / 2, 0.5, lambda: Image.new("RGB", (8, 8))))
        if content.width == 51 and self.error is not None:
            raise self.error
        return ImageOps.invert(content)


@pytest.fixture()
def painter(monkeypatch):
    painter = Painter()
    monkeypatch.setattr("runtime.style_transfer.stylize", painter.stylize)
    return painter


@pytest.fixture()
def album(tmp_path):
    """Three photos, the second of them 51 pixels wide, and the folder for the paintings."""
    folder = tmp_path / "album"
    folder.mkdir()
    for number, width in enumerate((50, 51, 52), 1):
        photo(width, 40).save(folder / f"{number}.png")
    return folder, tmp_path / "painted"


def stylize(folder, output):
    return cli.main(["stylize", str(folder), "night-swirls", "-o", str(output)])


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_paints_a_folder_with_one_bar_over_all(painter, album, capsys):
    folder, output = album
    assert stylize(folder, output) == 0
    for name in ("1.png", "2.png", "3.png"):
        with Image.open(folder / name) as before, Image.open(output / name) as after:
            assert ImageOps.invert(before).tobytes() == after.tobytes()
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"{output / '1.png'}: 50x40",
        f"{output / '2.png'}: 51x40",
        f"{output / '3.png'}: 52x40",
    ]
    assert "painting 3 photos: 100%" in said.err


@pytest.mark.parametrize("error", [None, DeviceMemoryError("The GPU is full.")])
def test_continues_after_a_photo_that_cannot_be_painted(painter, album, capsys, error):
    folder, output = album
    painter.error = error
    if error is None:
        (folder / "2.png").write_text("not a picture at all")
    assert stylize(folder, output) == 1
    assert names(output) == ["1.png", "3.png"]
    summary, failure = capsys.readouterr().err.splitlines()[-2:]
    assert summary == "1 of 3 photos could not be painted:"
    assert (
        failure.count(str(folder / "2.png")) == 1
        and ("full" if error else "not a picture") in failure
    )


def test_stops_at_what_every_photo_would_end_in(painter, album, capsys):
    folder, output = album
    painter.error = GraphMissing("There are no graphs; run `make onnx`.")
    assert stylize(folder, output) == 1
    assert names(output) == ["1.png"]
    said = capsys.readouterr().err
    assert "1 of 3 photos are painted" in said and "error: There are no graphs" in said


def test_ctrl_c_says_what_is_done_and_what_is_left(painter, album, capsys):
    folder, output = album
    painter.error = KeyboardInterrupt()
    assert stylize(folder, output) == 130
    assert names(output) == ["1.png"]
    *_, last = capsys.readouterr().err.splitlines()
    left = f"{folder / '2.png'}, {folder / '3.png'}"
    assert last == f"stopped; 1 of 3 photos are painted, these are left: {left}"


def test_styles_are_mixed_and_options_arrive(painter, album, tmp_path):
    folder, _output = album
    mask = tmp_path / "mask.png"
    Image.new("RGB", (40, 32), "white").save(mask)
    options = ["--fine", "900", "--brush", "broad", "--faces", "paint", "--keep", str(mask)]
    command = ["stylize", str(folder / "1.png"), "night-swirls:3", f"{folder / '3.png'}:1"]
    assert cli.main([*command, "-o", str(tmp_path / "out.png"), *options]) == 0
    ((styles, given, keep),) = painter.given
    assert [style.weight for style in styles] == [3, 1]
    assert styles[1].picture.size == (52, 40)
    assert (given.fine, given.brush, given.faces) == (900, "broad", "paint")
    assert (keep.mode, keep.size, keep.getextrema()) == ("L", (40, 32), (255, 255))


def test_a_mask_is_for_a_single_photo(painter, album, capsys):
    folder, output = album
    command = ["stylize", str(folder), "night-swirls", "-o", str(output)]
    assert cli.main([*command, "--keep", str(folder / "1.png")]) == 1
    assert "--keep is for a single photo, and 3 are given" in capsys.readouterr().err
    assert painter.given == []
