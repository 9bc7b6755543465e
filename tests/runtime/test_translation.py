"""`translate`: geometry, detail, progress, cancelling, and what happens when a backend fails."""

from __future__ import annotations

import functools
import logging
import threading
from typing import ClassVar, List

import numpy as np
import pytest
from PIL import Image

import runtime
from export.graphs.builder import GraphBuilder
from export.graphs.generator import build_generator
from export.sources.generator_layouts import read_generator
from runtime import translation as cyclegan
from runtime.backends.fake import FakeBackend
from runtime.cli import main
from runtime.errors import BackendError, Cancelled, OptionError, PictureError
from runtime.options import TranslateOptions
from runtime.spec.graphs import generator_graph
from tests.support.pictures import image

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Generators whose answer is known: the same picture, its negative, and no numbers at all."""
    folder = tmp_path_factory.mktemp("engines")
    for name, factor in (("same", 1.0), ("negative", -1.0), ("broken", float("nan"))):
        graph = GraphBuilder(generator_graph(name))
        graph.output(graph.node("Mul", ["image", graph.floats(factor)], "scaled"), "picture")
        graph.save(folder)
    return folder


@pytest.fixture(scope="module")
def translate(engines):
    """The real one, with the folder of these generators."""
    return functools.partial(runtime.translate, engines=engines)


class Recorder(FakeBackend):
    """Answers with the picture it was given, and keeps it."""

    name = "recorder"
    given: ClassVar[List[np.ndarray]] = []

    def _run(self, feeds):
        self.given.append(feeds["image"])
        return {"picture": feeds["image"].copy()}


@pytest.fixture
def given(monkeypatch):
    """What a backend was fed with, instead of any that computes."""
    monkeypatch.setattr(cyclegan, "candidates", lambda name, folder: [Recorder])
    monkeypatch.setattr(Recorder, "given", [])
    return Recorder.given


def difference(first, second):
    return np.abs(np.asarray(first, np.float32) - np.asarray(second, np.float32))


def grey(height, width, seed):
    """A photo all of whose detail is luminance."""
    return image(height, width, seed).convert("L").convert("RGB")


SIZES = [(100, 100), (301, 200), (77, 130), (33, 500), (127, 65)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("detail", [True, False])
def test_what_is_padded_is_cropped_again(translate, size, detail):
    """At the photo's own size nothing but the generator may change a pixel."""
    photo = image(size[1], size[0], seed=1)
    options = TranslateOptions(size=max(size), detail=detail, backend="onnxrt")
    assert difference(translate(photo, "same", options), photo).max() <= 1
    negative = translate(photo, "negative", options)
    assert difference(negative, 255 - np.asarray(photo)).max() <= 1


@pytest.mark.parametrize("size", [(900, 601), (601, 900), (1400, 33), (50, 40)], ids=str)
@pytest.mark.parametrize("longest", [64, 131, 512])
def test_works_at_the_size_asked_for_and_returns_the_photos(translate, given, size, longest):
    photo = image(size[1], size[0], seed=2)
    steps = []
    options = TranslateOptions(size=longest)
    result = translate(photo, "same", options, on_progress=steps.append)
    assert result.size == photo.size and result.mode == "RGB"
    width, height = steps[0].draw().size
    assert max(height, width) == longest
    # No more than rounding to whole pixels moves the aspect.
    assert abs(min(height, width) - min(size) * longest / max(size)) <= 0.5
    fed = given[0].shape[2:]
    assert all(side % 4 == 0 and side >= 32 for side in fed)
    assert all(0 <= side - inner < 32 for side, inner in zip(fed, (height, width)))


def test_the_margin_is_the_photo_reflected(translate, given):
    translate(image(65, 127, seed=3), "same", TranslateOptions(size=127))
    fed = given[0]
    assert fed.shape == (1, 3, 68, 128)
    np.testing.assert_array_equal(fed[:, :, 0], fed[:, :, 2])
    np.testing.assert_array_equal(fed[:, :, 66:], fed[:, :, 64:62:-1])
    np.testing.assert_array_equal(fed[:, :, :, 127], fed[:, :, :, 125])


def test_the_generator_sees_minus_one_to_one(translate, given):
    photo = Image.new("RGB", (64, 64), (0, 255, 51))
    translate(photo, "same", TranslateOptions(size=64))
    np.testing.assert_allclose(given[0][0, :, 5, 5], [-1, 1, -0.6], atol=1e-6)


@pytest.mark.parametrize(
    "size, frame, inner",
    [((900, 600), (512, 384), (512, 384)), ((400, 1280), (384, 512), (192, 512))],
)
def test_engines_of_fixed_sizes_are_filled_up(translate, given, monkeypatch, size, frame, inner):
    shapes = ((384, 512), (512, 384))
    monkeypatch.setattr(Recorder, "shapes", classmethod(lambda cls, graph, folder: shapes))
    photo = grey(size[1], size[0], seed=4)
    steps = []
    result = translate(photo, "same", on_progress=steps.append)
    assert given[0].shape == (1, 3, frame[1], frame[0])
    assert steps[0].draw().size == inner
    assert difference(result, photo).mean() < 4


def test_detail_comes_back_from_the_photo_unless_left_out(translate):
    photo = grey(300, 400, seed=5)
    sharp, smooth = (
        translate(photo, "same", TranslateOptions(size=100, detail=detail, backend="onnxrt"))
        for detail in (True, False)
    )
    assert difference(sharp, photo).mean() < 0.5 * difference(smooth, photo).mean()
    assert TranslateOptions().detail


def test_random_generators_equal_torch_on_the_padded_photo(translate, tmp_path):
    torch = pytest.importorskip("torch")
    from tests.support.export import torch_generators

    generator = torch_generators.cyclegan(4, 2)
    tensors = {name: tensor.numpy() for name, tensor in generator.state_dict().items()}
    build_generator("random", read_generator(tensors)).save(tmp_path)
    photo = image(61, 83, seed=6)
    values = torch.from_numpy(np.asarray(photo, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1)
    padded = torch.nn.functional.pad(values, (0, 1, 1, 2), mode="reflect")
    with torch.no_grad():
        expected = generator(padded)[0, :, 1:62, :83].numpy().transpose(1, 2, 0) * 127.5 + 127.5
    options = TranslateOptions(size=83, backend="onnxrt")
    result = translate(photo, "random", options, engines=tmp_path)
    assert difference(result, expected).max() <= 1


def test_progress_is_told_once_with_the_picture(translate, given):
    steps = []
    translate(image(40, 60, seed=7), "same", TranslateOptions(size=64), on_progress=steps.append)
    assert [(each.step, each.steps) for each in steps] == [(1, 1)]
    assert steps[0].share == 1
    assert steps[0].draw().size == (64, 43)


def test_a_cancelled_job_runs_nothing(translate, given):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        translate(image(40, 60, seed=8), "same", cancel=cancel)
    assert not given


def test_a_job_cancelled_while_it_runs_reports_nothing(translate, given, monkeypatch):
    cancel = threading.Event()
    answer = Recorder._run

    def run(self, feeds):
        cancel.set()
        return answer(self, feeds)

    monkeypatch.setattr(Recorder, "_run", run)
    steps = []
    with pytest.raises(Cancelled):
        translate(image(40, 60, seed=9), "same", on_progress=steps.append, cancel=cancel)
    assert len(given) == 1 and not steps


class Failing(FakeBackend):
    name = "failing"

    def _load(self):
        raise BackendError("The device is gone.")


class Nowhere(FakeBackend):
    """Answers with values that are not numbers, as an overflow in FP16 does."""

    name = "nowhere"

    def _run(self, feeds):
        return {"picture": np.full_like(feeds["image"], np.nan)}


def test_the_next_backend_takes_over(translate, given, monkeypatch, caplog):
    monkeypatch.setattr(cyclegan, "candidates", lambda name, folder: [Failing, Nowhere, Recorder])
    photo = image(64, 64, seed=10)
    with caplog.at_level(logging.WARNING):
        result = translate(photo, "same", TranslateOptions(size=64))
    assert difference(result, photo).max() <= 1
    failed, overflowed = (record.getMessage() for record in caplog.records)
    assert failed == "The device is gone. Continuing with nowhere."
    assert "nowhere gave values in generator-same that are not numbers" in overflowed
    assert overflowed.endswith("Continuing with recorder.")


def test_without_another_backend_the_failure_is_the_callers(translate):
    with pytest.raises(BackendError, match="onnxrt gave values in generator-broken that are not"):
        translate(image(64, 64, seed=11), "broken", TranslateOptions(backend="onnxrt"))


@pytest.mark.parametrize("name", ["nope", "", "../generator-same", "same.onnx"])
def test_a_model_that_is_not_installed_is_answered_with_those_that_are(translate, name):
    with pytest.raises(OptionError) as caught:
        translate(image(64, 64, seed=12), name)
    assert repr(name) in str(caught.value)
    assert "installed: broken, negative, same." in str(caught.value)
    assert "`make weights onnx`" in str(caught.value)


def test_where_no_model_is_installed_it_says_so(translate, tmp_path):
    assert runtime.models(tmp_path) == {}
    with pytest.raises(OptionError, match="installed: none"):
        translate(image(64, 64, seed=12), "horse2zebra", engines=tmp_path)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"size": 63}, "size is 63; expected a number from 64 to 2048"),
        ({"size": 2049}, "size is 2049"),
        ({"backend": "abacus"}, "backend is 'abacus'; expected one of auto, "),
    ],
)
def test_options_outside_their_range_are_refused(wrong, message):
    with pytest.raises(OptionError, match=message):
        TranslateOptions(**wrong)


def test_a_photo_too_small_is_refused(translate, given):
    with pytest.raises(PictureError, match="31x200"):
        translate(Image.new("RGB", (31, 200)), "same")
    assert not given


def test_the_command_writes_the_picture(engines, tmp_path, capsys):
    photo = grey(60, 80, seed=13)
    photo.save(tmp_path / "photo.jpg", quality=95)
    out = tmp_path / "out.png"
    command = ["translate", str(tmp_path / "photo.jpg"), "negative", "-o", str(out)]
    command += ["--engines", str(engines)]
    assert main([*command, "--backend", "onnxrt", "--size", "80", "--smooth"]) == 0
    assert capsys.readouterr().out == f"{out}: 80x60\n"
    assert difference(Image.open(out), 255 - np.asarray(photo)).mean() < 3


def test_the_command_tells_a_wrong_model_in_a_sentence(engines, tmp_path, capsys):
    image(60, 80, seed=13).save(tmp_path / "photo.jpg")
    out = tmp_path / "out.png"
    command = ["translate", str(tmp_path / "photo.jpg"), "nope", "-o", str(out)]
    assert main([*command, "--engines", str(engines)]) == 1
    assert capsys.readouterr().err.startswith("error: There is no model 'nope'; installed: ")
    assert not out.exists()
