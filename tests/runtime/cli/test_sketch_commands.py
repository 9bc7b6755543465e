"""`python -m runtime sketch` and `sheet`, with sketches that are known."""

from __future__ import annotations

import pytest
from PIL import Image

from runtime import cli
from runtime.catalog.styles import installed_styles
from tests.support import sketcher


@pytest.fixture
def files(tmp_path, monkeypatch):
    sketcher.use(monkeypatch)
    Image.new("RGB", (80, 60), "#666").save(tmp_path / "photo.png")
    Image.new("RGB", (80, 60), "#f00").save(tmp_path / "red.png")
    Image.new("RGB", (80, 60), "#00f").save(tmp_path / "blue.png")
    return tmp_path


def middle(path):
    with Image.open(path) as picture:
        return picture.size, picture.convert("RGB").getpixel((40, 30))


def test_a_sketch_is_written_with_its_options(files, capsys):
    out = files / "out.png"
    command = ["sketch", str(files / "photo.png"), str(files / "red.png"), "-o", str(out)]
    assert cli.main(command) == 0
    assert capsys.readouterr().out == f"{out}: 80x60\n"
    assert middle(out) == ((80, 60), (179, 51, 51))
    assert cli.main([*command, "--strength", "0"]) == 0
    assert middle(out) == ((80, 60), (102, 102, 102))
    assert cli.main([*command, "--keep-colours"]) == 0
    assert len(set(middle(out)[1])) == 1


def test_styles_are_mixed(files):
    out = files / "out.png"
    mix = [f"{files / 'red.png'}:3", f"{files / 'blue.png'}:1"]
    assert cli.main(["sketch", str(files / "photo.png"), *mix, "-o", str(out)]) == 0
    red, green, blue = middle(out)[1]
    assert red > blue > green == 51


def test_a_sheet_has_a_sketch_for_each_style(files):
    out = files / "sheet.png"
    command = ["sheet", str(files / "photo.png"), "-o", str(out), "--size", "64"]
    assert cli.main(command) == 0
    rows = -(-len(installed_styles()) // 3)
    assert middle(out)[0] == (3 * 76 + 12, rows * (48 + 38) + 12)
    assert cli.main([*command, "--keep-colours"]) == 0
    # The photo is grey.
    assert len(set(middle(out)[1])) == 1


def test_a_wrong_option_is_one_sentence(files, capsys):
    command = ["sketch", str(files / "photo.png"), str(files / "red.png"), "-o", "out.png"]
    assert cli.main([*command, "--strength", "2"]) == 1
    assert "strength is 2.0; expected a number from 0 to 1" in capsys.readouterr().err
