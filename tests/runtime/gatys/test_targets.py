"""The targets of a painting: blends of styles, their sizes, and the weights of the terms."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.errors import OptionError
from runtime.gatys import graphs
from runtime.gatys.graphs import fine_graphs
from runtime.gatys.targets import WeightedStyle, style_grams, weights_of
from runtime.options import StylizeOptions
from tests.support.pictures import image
from tests.support.stages import job_for, motifs_for, opened, paint_fine, small_style

SWIRLS, GLASS = small_style(), small_style("stained-glass")


@pytest.fixture(scope="module")
def stage(engines):
    with opened(engines) as of_backend:
        yield fine_graphs(StylizeOptions(), of_backend)


def assert_same(grams, others, tolerance=1e-5):
    assert grams.keys() == others.keys()
    for name in grams:
        scale = np.abs(others[name]).max()
        assert np.abs(grams[name] - others[name]).max() <= tolerance * scale


def test_blend_is_the_weighted_mean_in_any_order(stage):
    both = [WeightedStyle(SWIRLS, 3), WeightedStyle(GLASS, 1)]
    one, other = (style_grams(stage, [WeightedStyle(each)], 128) for each in (SWIRLS, GLASS))
    expected = {name: 0.75 * one[name] + 0.25 * other[name] for name in one}
    assert_same(style_grams(stage, both, 128), expected)
    assert_same(style_grams(stage, both[::-1], 128), expected)


@pytest.mark.parametrize("weights", [(5.0,), (0.001,), (0.7, 0.3)])
def test_one_style_is_itself_at_any_weight(stage, weights):
    alone = style_grams(stage, [WeightedStyle(SWIRLS)], 128)
    blend = style_grams(stage, [WeightedStyle(SWIRLS, each) for each in weights], 128)
    assert_same(blend, alone)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_weight_that_is_not_positive_is_refused(weight):
    with pytest.raises(OptionError, match=f"{weight}.*positive"):
        WeightedStyle(SWIRLS, weight)


def test_large_style_is_seen_in_tiles_with_nearly_the_same_result(stage, monkeypatch):
    style = [WeightedStyle(image(200, 300, seed=1))]
    whole = style_grams(stage, style, 300)
    monkeypatch.setattr(graphs, "TILE_PIXELS", 24_000)
    assert_same(style_grams(stage, style, 300), whole, tolerance=0.1)


@pytest.mark.parametrize("size", [(32, 32), (40, 300), (3000, 36), (2500, 1700)])
def test_style_may_be_tiny_narrow_or_huge(stage, monkeypatch, size):
    seen = []
    original = OnnxRuntimeBackend._run

    def recorded(self, feeds):
        seen.append(feeds["image"].shape[2:])
        return original(self, feeds)

    monkeypatch.setattr(OnnxRuntimeBackend, "_run", recorded)
    grams = style_grams(stage, [WeightedStyle(GLASS.resize(size))], 256)
    assert all(np.isfinite(gram).all() for gram in grams.values())
    # It is not enlarged beyond twice its size.
    assert max(map(max, seen)) <= min(256, 2 * max(size))


def test_terms_have_the_same_weight_for_every_style(stage):
    for style in (SWIRLS, Image.new("RGB", (64, 64), "grey")):
        grams = style_grams(stage, [WeightedStyle(style)], 64)
        weights = weights_of(stage, grams, 0.5)
        terms = [
            weight * np.mean(grams[f"gram_{layer}"] ** 2)
            for weight, layer in zip(weights, stage.objective.style_layers)
        ]
        assert terms == pytest.approx([terms[0]] * len(terms), rel=1e-4)


def test_strength_raises_the_style_s_weight(stage):
    grams = style_grams(stage, [WeightedStyle(SWIRLS)], 64)
    weak, middle, strong = (weights_of(stage, grams, each) for each in (0.0, 0.5, 1.0))
    assert (weak < middle).all() and (middle < strong).all()


def test_broad_brush_paints_broader_strokes_than_the_fine_one(engines):
    """The difference between neighbouring pixels is smaller, beside the whole variation."""
    flat = Image.new("RGB", (128, 96), (120, 140, 160))
    roughness = {}
    for brush in ("fine", "broad"):
        job = job_for(flat, [WeightedStyle(small_style("circles-lines"))], brush=brush, steps=6)
        change = np.asarray(paint_fine(job, engines), float) - np.asarray(
            motifs_for(job).resize(flat.size), float
        )
        roughness[brush] = np.abs(np.diff(change, axis=1)).mean() / change.std()
    # Measured: 0.53 and 0.42.
    assert roughness["fine"] > 1.1 * roughness["broad"]
