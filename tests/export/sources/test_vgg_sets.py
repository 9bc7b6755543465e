"""The sets of VGG-19 weights by name: what the graphs are written from, and what is said."""

from __future__ import annotations

import functools
import hashlib
import shutil

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from export.__main__ import main
from export.engines.job import Job
from export.engines.staleness import why_invalid
from export.errors import WeightsError
from export.graphs import command as onnx_files
from export.sources import vgg_rescaling
from export.sources.catalogue import CATALOGUE, WEIGHTS
from export.sources.fetch import THERE, fetch
from export.sources.vgg import ALL_CHANNELS, MEAN_RGB, Convolution, load_vgg19
from export.sources.vgg_finetuned import FINE_TUNED, finetuned_path, read_finetuned, write_finetuned
from export.sources.vgg_rescaling import normalised
from export.sources.vgg_sets import (
    TORCHVISION_MEAN,
    TORCHVISION_STD,
    installed_sets,
    load_set,
)
from export.sources.vgg_slice import slice_path
from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.options import StylizeOptions
from runtime.spec.engines import (
    EngineHost,
    EngineRecord,
    plan_file,
    reference_file,
    sidecar_file,
)
from runtime.spec.folder import WEIGHTS_FILE, recorded_weights
from runtime.spec.graphs import features_graph, gatys_graph, gram_name
from runtime.spec.vgg import CLASSIC, DEEP, VGG19, WEIGHT_SETS
from runtime.style_transfer import stylize
from tests.support.networks import random_vgg19
from tests.support.pictures import array, image

USUAL_SIDE = vgg_rescaling.SIDE


@pytest.fixture(scope="module", autouse=True)
def small_samples():
    """Weights are rescaled by small photographs: by those of the usual size it takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vgg_rescaling, "SIDE", 96)
        yield


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A weights folder with the shipped slice."""
    folder = tmp_path / "weights"
    folder.mkdir()
    shutil.copy(str(slice_path(WEIGHTS, CLASSIC)), str(folder))
    monkeypatch.setattr(onnx_files, "WEIGHTS", folder)
    return folder


@pytest.fixture(scope="module")
def finetuned_file(tmp_path_factory):
    """Fine-tuned weights, written once."""
    return write_finetuned(tmp_path_factory.mktemp("fine-tuned"), random_vgg19(CLASSIC), {})


@pytest.fixture
def finetuned(weights, finetuned_file):
    """The file of fine-tuned weights in the weights folder."""
    path = finetuned_path(weights)
    shutil.copy(str(finetuned_file), str(path))
    return path


def first_weights(engines, vgg):
    model = onnx.load(str(engines / features_graph(CLASSIC, "average", vgg).onnx_file))
    arrays = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    return arrays["conv1_1/weight"]


def test_graphs_are_written_from_the_named_set_and_those_of_another_stay(
    weights, finetuned, tmp_path, capsys
):
    engines = tmp_path / "engines"
    assert main(["onnx", "-o", str(engines)]) == 0
    np.testing.assert_array_equal(first_weights(engines, VGG19), load_vgg19(CLASSIC)[0].weight)
    assert recorded_weights(engines) == VGG19
    deep = [engines / graph(DEEP, "average").onnx_file for graph in (features_graph, gatys_graph)]
    engine = [
        engines / name(gatys_graph(DEEP, "average"), (384, 288))
        for name in (plan_file, sidecar_file, reference_file)
    ]
    for path in deep + engine:
        path.write_bytes(b"first set")
    before = {path.name: path.read_bytes() for path in engines.iterdir()}
    assert main(["onnx", "--vgg", FINE_TUNED, "-o", str(engines)]) == 0
    expected = read_finetuned(weights).convolutions[0].weight
    np.testing.assert_array_equal(first_weights(engines, FINE_TUNED), expected)
    after = {path.name: path.read_bytes() for path in engines.iterdir()}
    assert before.pop(WEIGHTS_FILE) != after.pop(WEIGHTS_FILE)
    assert before.items() <= after.items()
    assert f"deep: {FINE_TUNED} lacks the layers for it" in capsys.readouterr().out


def test_painting_takes_the_set_that_was_named_last(finetuned, tmp_path):
    """Also where the deep graphs of another set are installed."""
    options = {"size": 64, "fine": 64, "steps": 12, "backend": "onnxrt"}
    paint = functools.partial(stylize, image(64, 64, 1), image(64, 64, 2), engines=tmp_path)
    assert main(["onnx", "-o", str(tmp_path)]) == 0
    oxford = np.asarray(paint(StylizeOptions(**options)))
    (tmp_path / gatys_graph(DEEP, "average").onnx_file).write_bytes(b"graph")
    assert main(["onnx", "--vgg", FINE_TUNED, "-o", str(tmp_path)]) == 0
    assert recorded_weights(tmp_path) == FINE_TUNED
    own = np.asarray(paint(StylizeOptions(**options)))
    assert np.abs(own.astype(float) - oxford).mean() > 1
    named = paint(StylizeOptions(weights=FINE_TUNED, **options))
    np.testing.assert_array_equal(named, own)
    named = paint(StylizeOptions(weights=VGG19, objective="classic", **options))
    np.testing.assert_array_equal(named, oxford)


def test_files_with_the_names_of_an_earlier_release_are_removed(weights, tmp_path, capsys):
    engine = "gatys-deep-average-384x288"
    old = ["gatys-deep-average.onnx", "features-classic-max.onnx"]
    old += [f"{engine}.{suffix}" for suffix in ("plan", "json", "reference.npz")]
    kept = ["generator-mine.onnx", "generator-mine-512x512.plan", "timing.cache"]
    kept += [f"gatys-deep-average-vgg19-torchvision{end}" for end in (".onnx", "-384x288.plan")]
    for name in old + kept:
        (tmp_path / name).touch()
    assert main(["onnx", "-o", str(tmp_path)]) == 0
    assert not any((tmp_path / name).exists() for name in old)
    assert all((tmp_path / name).exists() for name in kept)
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("removed")]
    assert len(told) == 1 and "removed 5 files of an earlier release" in told[0]
    assert main(["onnx", "-o", str(tmp_path)]) == 0
    assert "removed" not in capsys.readouterr().out


def test_every_set_is_in_the_catalogue():
    assert set(WEIGHT_SETS) <= set(CATALOGUE)


def test_features_are_those_of_the_weights_but_for_the_scale(weights, tmp_path):
    """Rescaled: every layer's mean is about 1, and nothing that is painted with is far from it."""
    convolutions = tuple(
        Convolution(each.name, each.weight * 7, each.bias * 7) for each in random_vgg19(CLASSIC)
    )
    write_finetuned(weights, convolutions, {})
    assert main(["onnx", "--vgg", FINE_TUNED, "-o", str(tmp_path)]) == 0
    picture = array(96, 96, seed=1)
    graph = features_graph(CLASSIC, "average", FINE_TUNED)
    with OnnxRuntimeBackend(graph, height=96, width=96, folder=tmp_path) as backend:
        found = backend.run({"image": picture})
    assert 0.3 < found["content"].mean() < 3
    assert all(np.isfinite(found[gram_name(layer)]).all() for layer in CLASSIC.style_layers)
    means = list(read_finetuned(weights).means.values())
    assert means[-1] > 1000 * means[0]


def test_an_engine_of_other_weights_is_stale_and_one_of_another_set_is_not(
    weights, finetuned, tmp_path
):
    host = EngineHost("8.0", "8001", "5.3", "nano", "")
    graph = gatys_graph(CLASSIC, "average", FINE_TUNED)

    def job():
        digest = hashlib.sha256((tmp_path / graph.onnx_file).read_bytes()).hexdigest()
        return Job(graph, (384, 384), str(tmp_path), digest, "fp16-pinned", 0)

    main(["onnx", "--vgg", FINE_TUNED, "-o", str(tmp_path)])
    built = job()
    built.plan.write_bytes(b"plan")
    digest = hashlib.sha256(b"plan").hexdigest()
    record = EngineRecord(
        built.key(host), built.onnx_sha256, host, built.precision, 0, 1, 4, digest, 1.0
    )
    built.sidecar.write_text(record.to_json())
    assert why_invalid(job(), host) == ""
    main(["onnx", "-o", str(tmp_path)])
    assert why_invalid(job(), host) == ""
    write_finetuned(weights, random_vgg19(CLASSIC, seed=1), {})
    main(["onnx", "--vgg", FINE_TUNED, "-o", str(tmp_path)])
    assert why_invalid(job(), host) == "the ONNX file has changed"


@pytest.mark.parametrize("command", ["onnx", "engines"])
def test_a_set_that_is_not_there_says_how_to_make_it(weights, tmp_path, capsys, command):
    assert main([command, "--vgg", FINE_TUNED, "-o", str(tmp_path)]) == 1
    assert "python -m export train-vgg19" in capsys.readouterr().err


@pytest.mark.parametrize("harm", [b"", b"<html>", None], ids=["empty", "page", "cut"])
def test_a_damaged_file_is_told(weights, finetuned, harm):
    finetuned.write_bytes(finetuned.read_bytes()[:-4000] if harm is None else harm)
    with pytest.raises(WeightsError, match=r"make train-vgg19"):
        read_finetuned(weights)


def test_weights_that_give_nothing_are_not_written(weights):
    dead = [Convolution(c.name, c.weight * 0, c.bias * 0 - 1) for c in random_vgg19(CLASSIC)]
    with pytest.raises(WeightsError, match="conv1_1 has a mean activation of 0"):
        write_finetuned(weights, dead, {})
    assert not finetuned_path(weights).exists()


def test_the_report_of_what_is_installed_knows_it(weights, finetuned):
    outcome = fetch([FINE_TUNED], folder=weights).outcomes[0]
    assert (outcome.state, outcome.message) == (THERE, "VGG-19, 5 convolutions.")
    assert installed_sets(weights) == {VGG19: (CLASSIC,), FINE_TUNED: (CLASSIC,)}


def test_rescaling_the_shipped_weights_again_changes_little(monkeypatch):
    monkeypatch.setattr(vgg_rescaling, "SIDE", USUAL_SIDE)
    _, means = normalised(load_vgg19(CLASSIC))
    assert np.allclose(means, 1, atol=0.35)


def test_torchvisions_weights_see_what_they_were_trained_with(weights):
    """The first layer's features equal those of a picture normalised torchvision's way."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    state, incoming, index = {}, 3, 0
    for name, channels in ALL_CHANNELS.items():
        index += name.endswith("_1") and incoming != 3
        weight = rng.standard_normal((channels, incoming, 3, 3), np.float32)
        state[f"features.{index}.weight"] = torch.tensor(weight) * (2 / 9 / incoming) ** 0.5
        state[f"features.{index}.bias"] = torch.full((channels,), 0.1)
        incoming, index = channels, index + 2
    torch.save(state, str(weights / "vgg19-torchvision.pth"))
    assert installed_sets(weights)["vgg19-torchvision"] == (CLASSIC, DEEP)
    first, second = load_set("vgg19-torchvision", CLASSIC.layers[:2], weights)
    assert first.weight.shape == (64, 3, 3, 3) and second.weight.shape == (64, 64, 3, 3)
    picture = torch.tensor(array(16, 16, seed=1))
    mean, std = (
        torch.tensor(each).view(1, 3, 1, 1) for each in (TORCHVISION_MEAN, TORCHVISION_STD)
    )
    convolve = torch.nn.functional.conv2d
    theirs = convolve((picture - mean) / std, state["features.0.weight"], state["features.0.bias"])
    centred = picture - torch.tensor(MEAN_RGB).view(1, 3, 1, 1)
    ours = convolve(centred.float(), torch.tensor(first.weight), torch.tensor(first.bias))
    scale = theirs.std() / ours.std()
    # But for the frame, where the zeros of the padding stand for either mean.
    inner = np.s_[:, :, 1:-1, 1:-1]
    np.testing.assert_allclose((ours * scale)[inner], theirs[inner], atol=1e-3)
