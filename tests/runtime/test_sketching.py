"""`sketch` and `contact_sheet`: geometry, mixes, strength, colours, and what cannot be sketched."""

from __future__ import annotations

import functools
import threading

import numpy as np
import pytest
from PIL import Image

from export.graphs.sketch import write_sketch
from runtime import SketchOptions, WeightedStyle, contact_sheet, find_style, installed_styles
from runtime import sketch as real_sketch
from runtime.errors import BackendError, Cancelled, GraphMissing, OptionError, PictureTooSmall
from runtime.imaging.reading import read_picture
from runtime.sketching import sketches
from tests.support import sketcher
from tests.support.pictures import image, photo

RED, BLUE = (Image.new("RGB", (40, 60), colour) for colour in ("#f00", "#00f"))
GREY = Image.new("RGB", (64, 48), "#666")


@pytest.fixture
def backend(monkeypatch):
    return sketcher.use(monkeypatch)


def colour(picture):
    """The mean colour, in [0, 255]."""
    return np.asarray(picture, np.float32).mean((0, 1))


def sketched(style, photo=GREY, **options):
    return real_sketch(photo, style, SketchOptions(**options))


def test_a_photo_is_painted_in_the_style_of_a_picture(backend):
    np.testing.assert_allclose(colour(sketched(RED)), [178.5, 51, 51], atol=1)


def test_styles_mix_by_their_weights(backend):
    mix = [WeightedStyle(RED, 3), WeightedStyle(BLUE, 1)]
    np.testing.assert_allclose(colour(sketched(mix)), [51 + 95.6, 51, 51 + 31.9], atol=1)


@pytest.mark.parametrize("strength", [0, 0.25, 1])
def test_strength_leads_from_the_photo_s_own_style_to_the_other(backend, strength):
    expected = 51 + (102 + strength * (np.array([255, 0, 0]) - 102)) / 2
    np.testing.assert_allclose(colour(sketched(RED, strength=strength)), expected, atol=1)


def test_colours_of_the_photo_are_kept(backend):
    red, green, blue = colour(sketched(RED, keep_colours=True))
    assert red == green == blue and red != 102


@pytest.mark.parametrize("size", [(100, 100), (301, 200), (77, 130), (33, 500)], ids=str)
def test_nothing_moves_at_any_size(backend, size):
    original = image(size[1], size[0], seed=1)
    result = sketched(Image.new("RGB", (32, 32)), original)
    assert (result.size, result.mode) == (original.size, "RGB")
    moved = 2 * np.asarray(result, np.float32) - np.asarray(original, np.float32)
    assert np.abs(moved).max() <= 2


def test_a_large_photo_is_sketched_small_and_enlarged(backend):
    result = sketched(RED, image(301, 401, seed=2), size=128)
    assert result.size == (401, 301)
    (fed,) = backend.given
    assert 128 <= max(fed.shape) < 128 + 32 and all(side % 4 == 0 for side in fed.shape[2:])


def test_the_photo_is_reflected_around_it(backend):
    sketched(RED, image(65, 127, seed=3))
    (fed,) = backend.given
    assert fed.shape == (1, 3, 84, 144)
    # The photo begins 9 rows below and 8 columns to the right of the corner.
    np.testing.assert_array_equal(fed[:, :, :9], fed[:, :, 18:9:-1])
    np.testing.assert_array_equal(fed[..., :8], fed[..., 16:8:-1])


def test_each_style_is_looked_at_once(backend):
    mix = [WeightedStyle(RED), WeightedStyle(BLUE)]
    found = sketches(GREY, [RED, BLUE, mix])
    assert (backend.styles, len(backend.given)) == (2, 3)
    mean = (colour(found[0]) + colour(found[1])) / 2
    np.testing.assert_allclose(colour(found[2]), mean, atol=1)


def test_the_sheet_shows_every_style_with_its_name(backend):
    styles = list(installed_styles().values())[:4]
    sheet = contact_sheet(GREY.resize((200, 150)), styles, SketchOptions(size=100))
    assert sheet.size == (3 * 112 + 12, 2 * 113 + 12)
    pixels = np.asarray(sheet)
    for index, style in enumerate(styles):
        left, top = 12 + index % 3 * 112, 12 + index // 3 * 113
        expected = 51 + colour(read_picture(style.path)) / 2
        shown = pixels[top : top + 75, left : left + 100]
        # The middle of a style decides, and the whole of it is compared.
        assert np.abs(colour(shown) - expected).max() < 30
        assert (pixels[top + 76 : top + 100, left : left + 100] < 128).any(), "no caption"


def test_cancelling_stops_before_the_next_run(backend):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        real_sketch(GREY, RED, cancel=cancel)
    assert (backend.styles, backend.given) == (0, [])


def test_what_is_no_number_is_an_error(backend, monkeypatch):
    broken = {"style": np.full((1, 100, 1, 1), np.nan, np.float32)}
    monkeypatch.setattr(backend, "_run", lambda self, feeds: broken)
    with pytest.raises(BackendError, match=r"sketcher gave values in style-vector-magenta"):
        sketched(RED)


@pytest.mark.parametrize("wrong", [{"size": 63}, {"strength": 1.1}, {"backend": "abacus"}])
def test_an_option_outside_its_range_is_refused(wrong):
    with pytest.raises(OptionError, match=next(iter(wrong))):
        SketchOptions(**wrong)


def test_no_style_and_too_small_pictures_are_refused(backend):
    with pytest.raises(OptionError, match="There is no style"):
        sketched([])
    for pictures in ((GREY, Image.new("RGB", (31, 64))), (Image.new("RGB", (31, 64)), GREY)):
        with pytest.raises(PictureTooSmall):
            real_sketch(*pictures)


def test_without_the_graphs_it_says_how_to_get_them(tmp_path):
    pytest.importorskip("onnxruntime")
    with pytest.raises(GraphMissing, match=r"style-vector-magenta\.onnx does not exist"):
        real_sketch(GREY, RED, SketchOptions(backend="onnxrt"), engines=tmp_path)


@pytest.fixture(scope="module")
def published(published_sketch, tmp_path_factory):
    """`sketch` with the published networks."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("engines")
    write_sketch(published_sketch, folder)
    return functools.partial(real_sketch, engines=folder)


def test_no_frame_shows_around_a_sketch_of_odd_size(published):
    """At the edges of the picture there are no more edges than inside it."""
    style = read_picture(find_style("cubist-planes"))
    result = published(photo(211, 157, name="cat.jpg"), style, SketchOptions(backend="onnxrt"))
    pixels = np.asarray(result.convert("L"), np.float32)
    for lines in (pixels, pixels.T):
        steps = np.abs(np.diff(lines, axis=0)).mean(1)
        inside = np.percentile(steps[8:-8], 90)
        assert max(steps[:4].max(), steps[-4:].max()) < 1.5 * inside
