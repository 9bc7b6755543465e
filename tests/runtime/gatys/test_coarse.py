"""The coarse stage: the photo's forms in the styles' colours, at the size of the motifs."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.gatys.targets import WeightedStyle
from tests.support.pictures import photo
from tests.support.stages import job_for, paint_motifs, small_style


def mean_colour(image):
    return np.asarray(image, float).mean((0, 1))


@pytest.mark.parametrize(
    "size, painted", [((200, 150), (80, 60)), ((150, 200), (60, 80)), ((90, 90), (80, 80))]
)
def test_motifs_have_the_photo_s_aspect_at_the_size_asked_for(engines, size, painted):
    motifs = paint_motifs(job_for(photo(*size), size=96, steps=1), engines, backend="fake")
    assert motifs.size == painted and motifs.mode == "RGB"


def test_seed_repeats_and_varies(engines):
    results = [
        np.asarray(
            paint_motifs(job_for(photo(64, 64), size=64, steps=2, seed=seed), engines, "fake")
        )
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_painting_starts_in_the_mixed_colours_of_the_styles(engines):
    swirls, glass = (small_style(each) for each in ("night-swirls", "stained-glass"))
    mixed = [WeightedStyle(swirls, 1), WeightedStyle(glass, 3)]
    job = job_for(photo(96, 72), mixed, size=96, steps=1)
    one, other = mean_colour(swirls), mean_colour(glass)
    found = mean_colour(paint_motifs(job, engines, "fake"))
    assert np.linalg.norm(found - (one + 3 * other) / 4) < np.linalg.norm(found - (one + other) / 2)
    assert found == pytest.approx((one + 3 * other) / 4, abs=15)
