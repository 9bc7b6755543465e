from __future__ import annotations

import numpy as np
from PIL import Image

from runtime.imaging.finish import denoise_chroma
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
