"""The network that is fine-tuned: it is VGG-19 as far as its start reaches."""

from __future__ import annotations

import numpy as np
import pytest

from export.errors import WeightsMissing
from export.sources.vgg import load_vgg19
from export.training.network import (
    build_network,
    default_start,
    kept_convolutions,
    kept_tensors,
    load_start,
)
from export.training.options import KEPT_LAYERS, TrainOptions
from export.training.samples import network_input
from runtime.imaging.reading import to_array
from runtime.spec.vgg import CLASSIC
from tests.support.networks import random_vgg19
from tests.support.pictures import photo
from tests.support.reference import targets

torch = pytest.importorskip("torch")


def test_untrained_it_returns_the_weights_it_was_built_from():
    start = load_vgg19(CLASSIC)
    network, pretrained = build_network(TrainOptions(last_layer="conv3_2", width=0.1), 5, start)
    assert pretrained == KEPT_LAYERS
    for kept, conv in zip(kept_convolutions(kept_tensors(network)), start):
        assert kept.name == conv.name
        np.testing.assert_allclose(kept.weight, conv.weight, rtol=1e-6)
        np.testing.assert_array_equal(kept.bias, conv.bias)


def test_its_features_are_those_of_the_graphs():
    start = load_vgg19(CLASSIC)
    network, _ = build_network(TrainOptions(last_layer="conv3_1"), 2, start)
    picture = photo(48, 48)
    expected = targets(CLASSIC, "max", start, to_array(picture))["content"]
    upto = list(dict(network.named_children())).index(f"{CLASSIC.content_layer}_relu")
    with torch.no_grad():
        found = network[: upto + 1](torch.from_numpy(network_input(picture))[None])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("last", "width", "top"), [("conv5_4", 1.0, 512), ("conv4_1", 0.25, 128), ("conv3_1", 0.1, 256)]
)
def test_options_say_where_it_ends_and_how_wide_it_is(last, width, top):
    network, _ = build_network(TrainOptions(last_layer=last, width=width), 7, random_vgg19(CLASSIC))
    assert dict(network.named_children())["head"][-1].weight.shape == (7, top)
    with torch.no_grad():
        assert network.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


def test_it_starts_from_the_best_installed_weight_set(tmp_path):
    assert default_start() in ("vgg19", "vgg19-torchvision")
    with pytest.raises(WeightsMissing, match="git checkout"):
        default_start(tmp_path)
    assert [each.name for each in load_start("vgg19", "conv3_1")] == list(KEPT_LAYERS)
