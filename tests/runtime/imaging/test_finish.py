from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from runtime.imaging import limits
from runtime.imaging.finish import denoise_chroma, enlarge, with_colours_of
from tests.support.pictures import photo


def luminance(image):
    return np.asarray(image.convert("L"), np.float32)


def test_speckles_of_colour_go_and_the_drawing_stays():
    clean = photo(120, 90, "cat.jpg").convert("RGB")
    noise = np.random.default_rng(0).standard_normal((90, 120, 3)) * 25
    # Of no luminance: only the colour changes from pixel to pixel.
    noise -= (noise @ [0.299, 0.587, 0.114])[..., None]
    pixels = np.clip(np.asarray(clean, np.float32), 60, 195)
    clean = Image.fromarray(pixels.astype(np.uint8))
    speckled = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))

    def away(image):
        return np.abs(np.asarray(image, np.float32) - np.asarray(clean, np.float32)).mean()

    calmed = denoise_chroma(speckled)
    assert calmed.size == speckled.size and calmed.mode == "RGB"
    assert away(calmed) < 0.6 * away(speckled)
    assert np.abs(luminance(calmed) - luminance(speckled)).mean() < 2


def test_a_grey_picture_stays_as_it_is():
    grey = photo(120, 90, "cat.jpg").convert("L").convert("RGB")
    assert np.abs(np.asarray(denoise_chroma(grey), int) - np.asarray(grey, int)).max() <= 1


@pytest.mark.parametrize("strip_pixels", [120, 1000, 1 << 30])
def test_strips_do_not_show(monkeypatch, strip_pixels):
    whole, painted = photo(121, 93), photo(48, 37, "cat.jpg")
    monkeypatch.setattr(limits, "STRIP_PIXELS", 1 << 30)
    expected = enlarge(painted, whole, 0.8)
    coloured = with_colours_of(whole, expected)
    monkeypatch.setattr(limits, "STRIP_PIXELS", strip_pixels)
    for one, other in (
        (enlarge(painted, whole, 0.8), expected),
        (with_colours_of(whole, expected), coloured),
    ):
        assert np.abs(np.asarray(one, int) - np.asarray(other, int)).max() <= 1


def test_detail_is_what_the_photo_loses_at_the_size_of_the_painting():
    whole, painted = photo(121, 93), photo(48, 37, "cat.jpg")
    grey = Image.fromarray(np.asarray(whole, np.float32) @ np.float32([0.299, 0.587, 0.114]))
    coarse = grey.resize(painted.size, 3).resize(whole.size, 3)
    lost = np.asarray(grey) - np.asarray(coarse)
    expected = np.asarray(painted.resize(whole.size, 3), float) + 0.8 * lost[..., None]
    away = np.abs(np.asarray(enlarge(painted, whole, 0.8), float) - np.clip(expected, 0, 255))
    assert away.max() <= 1
