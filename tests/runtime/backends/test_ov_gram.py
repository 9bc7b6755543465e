"""The Gram difference within the product: the same in float32, and kept in bfloat16."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from export.graphs.gatys import write_graphs
from export.sources.vgg import load_vgg19
from runtime.backends import ov
from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.backends.ov import OpenVinoBackend
from runtime.backends.ov_gram import PARTS, SplitTargets, fold_differences, parts_of
from runtime.backends.probe import CHANNELS, SIDE
from runtime.gatys.descent import loss_of
from runtime.imaging.reading import to_array
from runtime.lbfgs import minimise
from runtime.spec.graphs import features_graph, gatys_graph, gram_name
from runtime.spec.vgg import CLASSIC
from tests.support.pictures import array, photo

openvino = pytest.importorskip("openvino")
opset = pytest.importorskip("openvino.opset8")

HEIGHT, WIDTH = 64, 96
GATYS, FEATURES = gatys_graph(CLASSIC, "average"), features_graph(CLASSIC, "average")
GRAMS = [gram_name(layer) for layer in CLASSIC.style_layers]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("engines")
    write_graphs(CLASSIC, "average", load_vgg19(CLASSIC), path)
    return path


@pytest.fixture(scope="module")
def feeds(folder):
    """A photo's content, a style's Gram matrices, and weights with which the style is nearly reached."""
    style, content = (to_array(photo(WIDTH, HEIGHT, name)) for name in ("coffee.jpg", "cat.jpg"))
    with OnnxRuntimeBackend(FEATURES, height=HEIGHT, width=WIDTH, folder=folder) as features:
        targets = features.run({"image": style})
        targets["content"] = features.run({"image": content})["content"]
    targets["content_map"] = np.ones((1, 1, *targets["content"].shape[2:]), np.float32)
    weights = [1e4 / len(GRAMS) / np.mean(targets[name] ** 2) for name in GRAMS]
    weight = 1 / np.mean(targets["content"] ** 2)
    targets.update(style_weights=np.array(weights, "f"), content_weight=np.array([weight], "f"))
    return {**targets, "image": array(HEIGHT, WIDTH, seed=3)}


def test_parts_are_bfloat16_numbers_that_add_up_to_the_target():
    target = np.random.default_rng(0).standard_normal((5, 5)).astype(np.float32)
    parts = parts_of(target)
    assert parts.shape == (5, PARTS * 5)
    assert not (parts.view(np.uint32) & 0xFFFF).any()
    assert np.array_equal(sum(np.split(parts, PARTS, axis=1)), target)


def test_targets_are_cut_anew_when_they_change():
    first = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)
    targets = SplitTargets(("gram",))
    once = targets.split({"gram": first, "image": first})
    assert once["image"] is first and np.array_equal(once["gram"], parts_of(first))
    assert targets.split({"gram": first})["gram"] is once["gram"]
    # Another array, or other values in the same one.
    assert np.array_equal(targets.split({"gram": first * 2})["gram"], parts_of(first * 2))
    first += 1
    assert np.array_equal(targets.split({"gram": first})["gram"], parts_of(first))


def test_rewritten_graph_gives_the_same_in_float32(folder, feeds):
    core = openvino.Core()
    model = core.read_model(str(folder / GATYS.onnx_file))
    shapes = GATYS.input_shapes(HEIGHT, WIDTH)
    model.reshape({name: list(shape) for name, shape in shapes.items()})
    names = fold_differences(model)
    assert sorted(names) == sorted(GRAMS)
    request = core.compile_model(
        model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    ).create_infer_request()
    request.infer(SplitTargets(names).split(feeds))
    with OnnxRuntimeBackend(GATYS, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
        expected = loaded.run(feeds)
    for name, values in expected.items():
        np.testing.assert_allclose(
            request.get_tensor(name).data, values, rtol=1e-3, atol=1e-5 * np.abs(values).max()
        )


def difference_model(channels, pixels):
    """f and T -> the squares of f f^T - T."""
    rows = opset.parameter([channels, pixels], np.float32, name="rows")
    target = opset.parameter([channels, channels], np.float32, name="target")
    product = opset.matmul(rows, opset.transpose(rows, [1, 0]), False, False)
    difference = opset.subtract(product, target)
    for parameter, name in ((rows, "rows"), (target, "target")):
        parameter.output(0).set_names({name})
    return openvino.Model([opset.multiply(difference, difference)], [rows, target])


def relative_error_of_difference(model, targets, feeds, exact):
    config = {"INFERENCE_PRECISION_HINT": "bf16"}
    request = openvino.Core().compile_model(model, "CPU", config).create_infer_request()
    request.infer(targets.split(feeds))
    found = np.sqrt(request.get_output_tensor(0).data)
    return np.linalg.norm(found - np.abs(exact)) / np.linalg.norm(exact)


def test_small_difference_survives_bfloat16():
    """On any processor with bfloat16: near the target, the product's rounding hides it."""
    channels, pixels = 64, 1024
    rng = np.random.default_rng(0)
    rows = parts_of(rng.random((channels, pixels), np.float32) / 32)[:, :pixels]
    gram = rows.astype(np.float64) @ rows.T.astype(np.float64)
    target = (gram * (1 - 2**-10 * rng.standard_normal(gram.shape))).astype(np.float32)
    exact = gram - target
    model, feeds = difference_model(channels, pixels), {"rows": rows, "target": target}
    without = relative_error_of_difference(model, SplitTargets(), feeds, exact)
    names = fold_differences(model)
    assert names == ("target",)
    assert relative_error_of_difference(model, SplitTargets(names), feeds, exact) < 0.02
    if has_bfloat16():
        assert without > 0.5


def test_descent_comes_as_far_as_in_float32(monkeypatch, folder, feeds):
    """In bfloat16 where the processor has it, even if it is not faster with it.

    The weights are those of a user. With a style of hundreds of times that weight the course from a
    picture of noise is chaotic: other starts alone change the loss after 120 evaluations by 10 %.
    """
    monkeypatch.setattr(ov, "bfloat16_pays", has_bfloat16)
    weights = CLASSIC.style_strong * np.array(
        [1 / len(GRAMS) / np.mean(feeds[n] ** 2) for n in GRAMS]
    )
    feeds = {**feeds, "style_weights": weights.astype(np.float32)}
    start = to_array(photo(WIDTH, HEIGHT, "cat.jpg"))
    with OnnxRuntimeBackend(GATYS, height=HEIGHT, width=WIDTH, folder=folder) as exact:
        evaluate = loss_of(exact, feeds)
        at_start = evaluate(start)[0]
        expected = lowest(evaluate, start)
        with OpenVinoBackend(GATYS, height=HEIGHT, width=WIDTH, folder=folder) as loaded:
            found = lowest(loss_of(loaded, feeds), start)
        # What it takes its loss for is the loss.
        assert found.best_loss == pytest.approx(evaluate(found.best)[0], rel=0.01)
    assert found.best_loss < 1.02 * expected.best_loss < 0.5 * at_start


def lowest(evaluate, start):
    *_, last = islice(minimise(evaluate, start), 40)
    return last


def has_bfloat16():
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.mark.parametrize("pays, precision", [(True, "bf16"), (False, "f32")])
def test_bfloat16_only_where_it_pays(monkeypatch, folder, pays, precision):
    def compile_model(core, model, device, config):
        hints.append(config["INFERENCE_PRECISION_HINT"])
        return original(core, model, device, {**config, "INFERENCE_PRECISION_HINT": "f32"})

    hints, original = [], openvino.Core.compile_model
    monkeypatch.setattr(ov, "bfloat16_pays", lambda: pays)
    monkeypatch.setattr(openvino.Core, "compile_model", compile_model)
    for graph in (GATYS, FEATURES):
        OpenVinoBackend(graph, height=HEIGHT, width=WIDTH, folder=folder).load()
    # Targets are float32 always.
    assert hints == [precision, "f32"]
    assert OpenVinoBackend.check(folder) == f"CPU, {'bfloat16' if pays else 'float32'}"


def test_convolution_in_both_precisions_decides_once(monkeypatch):
    compared = []

    def compare(half, full):
        compared.append([each()[0].shape for each in (half, full)])
        return True

    monkeypatch.setattr(ov, "is_faster", compare)
    ov.bfloat16_pays.cache_clear()
    try:
        assert ov.bfloat16_pays() == ov.bfloat16_pays() == has_bfloat16()
    finally:
        ov.bfloat16_pays.cache_clear()
    assert compared == ([[(1, CHANNELS, SIDE, SIDE)] * 2] if has_bfloat16() else [])
