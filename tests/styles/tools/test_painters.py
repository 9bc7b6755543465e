"""The painters: repeatable, rich at several scales, and the shipped files are their work."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import List

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import styles
from styles.__main__ import main
from styles.tools import PAINTERS, SEED, paint

pytestmark = pytest.mark.any_python

FOLDER = Path(styles.__file__).parent
SMALL = 112
names = pytest.mark.parametrize("name", list(PAINTERS))


@lru_cache(maxsize=None)
def small(name: str) -> Image.Image:
    return paint(name, SMALL)


def shipped(name: str) -> Image.Image:
    with Image.open(FOLDER / f"{name}.jpg") as picture:
        return picture.convert("RGB")


def bands(picture: Image.Image) -> List[float]:
    """Contrast of the brightness in octave bands, finest first."""
    grey = np.asarray(picture.convert("L"), np.float32) / 255
    found = []
    for sigma in (1, 2, 4, 8, 16, 32):
        smooth = ndimage.gaussian_filter(grey, sigma)
        found.append(float((grey - smooth).std()))
        grey = smooth
    return found


def layout(picture: Image.Image, cells: int = 16) -> np.ndarray:
    thumbnail = picture.resize((cells, cells), Image.Resampling.BOX)
    return np.asarray(thumbnail, np.float32) / 255


def colour_shares(picture: Image.Image) -> np.ndarray:
    pixels = np.asarray(picture, int).reshape(-1, 3) // 64
    counts = np.bincount(pixels @ [16, 4, 1], minlength=64)
    return counts / counts.sum()


@names
def test_the_same_seed_paints_the_same_picture(name: str) -> None:
    assert paint(name, SMALL).tobytes() == small(name).tobytes()


def test_another_seed_paints_another_picture() -> None:
    first, second = small("sunset-dots"), paint("sunset-dots", SMALL, SEED + 1)
    assert np.abs(np.asarray(first, int) - np.asarray(second, int)).mean() > 4


@names
def test_the_longer_side_has_the_size_asked_for(name: str) -> None:
    assert max(small(name).size) == SMALL
    assert small(name).mode == "RGB"


@names
def test_shipped_pictures_are_large_and_light_to_load(name: str) -> None:
    assert min(shipped(name).size) >= 768
    assert (FOLDER / f"{name}.jpg").stat().st_size < 450_000


@names
def test_texture_is_rich_at_every_scale(name: str) -> None:
    assert min(bands(shipped(name))) > 0.018


@names
def test_no_large_patch_is_empty(name: str) -> None:
    grey = np.asarray(shipped(name).convert("L"), np.float32) / 255
    fine = (grey - ndimage.gaussian_filter(grey, 4)) ** 2
    rows, columns = fine.shape[0] // 64, fine.shape[1] // 64
    patches = fine[: rows * 64, : columns * 64].reshape(rows, 64, columns, 64).mean(axis=(1, 3))
    assert np.sqrt(patches.min()) > 0.008


@names
def test_colours_are_many_and_vivid(name: str) -> None:
    hsv = np.asarray(shipped(name).convert("HSV"), np.float32) / 255
    assert hsv[..., 1].mean() > 0.35
    assert (colour_shares(shipped(name)) > 0.005).sum() >= 10


@names
def test_no_dark_bars_at_the_edges(name: str) -> None:
    grey = np.asarray(shipped(name).convert("L"), np.float32) / 255
    for strip in (grey[:12], grey[-12:], grey[:, :12], grey[:, -12:]):
        assert strip.mean() > 0.08
        assert strip.std() > 0.02


@names
def test_shipped_pictures_are_painted_by_the_program(name: str) -> None:
    ours, theirs = small(name), shipped(name)
    assert abs(ours.width / ours.height - theirs.width / theirs.height) < 0.02
    gap = np.abs(layout(ours) - layout(theirs))
    assert gap.mean() < 0.045
    assert 0.5 * np.abs(colour_shares(ours) - colour_shares(theirs)).sum() < 0.30
    for other in set(PAINTERS) - {name}:
        assert np.abs(layout(ours) - layout(shipped(other))).mean() > 2 * gap.mean()


def test_the_command_paints_into_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["paint", "stained-glass", "--size", "96", "-o", str(tmp_path / "new")]) == 0
    with Image.open(tmp_path / "new" / "stained-glass.jpg") as picture:
        assert max(picture.size) == 96
    assert "stained-glass.jpg: 77 x 96" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["paint", "night-swirl"], "no painter for night-swirl; there are: night-swirls, "),
        (["paint", "--size", "9"], "--size 9: a size from 64 to 4096 is expected"),
    ],
)
def test_the_command_says_what_it_expects(
    arguments: List[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
