"""One photo repainted with every installed set of weights, side by side."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from export.__main__ import main
from export.sources.catalogue import WEIGHTS
from export.sources.vgg_finetuned import write_finetuned
from export.sources.vgg_slice import slice_path
from runtime.spec.vgg import CLASSIC
from tests.support.networks import random_vgg19
from tests.support.pictures import photo

pytestmark = pytest.mark.any_python


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with two sets; not to be changed: writing the second takes seconds."""
    folder = tmp_path_factory.mktemp("weights")
    shutil.copy(str(slice_path(WEIGHTS, CLASSIC)), str(folder))
    write_finetuned(folder, random_vgg19(CLASSIC), {})
    return folder


def compare(tmp_path, weights, *options):
    photo(120, 90).save(tmp_path / "photo.png")
    photo(90, 90, "cat.jpg").save(tmp_path / "style.png")
    files = [str(tmp_path / name) for name in ("photo.png", "style.png")]
    output = str(tmp_path / "sheet.png")
    command = ["compare-vgg", *files, "-o", output, "--weights", str(weights)]
    return main([*command, "--size", "96", "--steps", "2", *options])


def test_every_set_paints_its_own_picture(tmp_path, weights, capsys):
    assert compare(tmp_path, weights) == 0
    output = capsys.readouterr().out
    assert "[1/2] vgg19, classic" in output and "[2/2] vgg19-caltech101, classic" in output
    with Image.open(tmp_path / "sheet.png") as image:
        pixels = np.asarray(image, np.float64)
    # The photo and two paintings in a row, 96 x 72 each.
    panels = [pixels[12:84, left : left + 96] for left in (12, 120, 228)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(panels[one] - panels[other]).mean() > 2


def test_a_painting_that_fails_is_reported(tmp_path, weights, capfd):
    assert compare(tmp_path, weights, "--strength", "7") == 1
    error = capfd.readouterr().err
    assert (
        "strength is 7" in error
        and "the painting with vgg19 and the classic objective failed" in error
    )


def test_without_weights_it_says_how_to_get_them(tmp_path, capsys):
    assert compare(tmp_path, tmp_path / "none") == 1
    assert "make weights" in capsys.readouterr().err


def test_a_sheet_that_the_format_does_not_hold_is_refused_before_painting(
    tmp_path, weights, capsys
):
    wide, output = tmp_path / "wide.png", tmp_path / "sheet.webp"
    photo(6000, 40).save(wide)
    command = ["compare-vgg", str(wide), "night-swirls", "-o", str(output), "--size", "6000"]
    assert main([*command, "--weights", str(weights)]) == 1
    captured = capsys.readouterr()
    assert "WebP holds at most 16383" in captured.err and "[1/2]" not in captured.out
    assert not output.exists()
