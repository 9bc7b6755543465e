from __future__ import annotations

import numpy as np
import pytest

from export.errors import WeightsMissing
from export.sources.catalogue import WEIGHTS
from export.sources.vgg import load_vgg19
from export.sources.vgg_slice import slice_path
from runtime.backends.onnxrt import OnnxRuntimeBackend
from runtime.imaging.reading import to_array
from runtime.spec.graphs import features_graph, gram_name
from runtime.spec.vgg import CLASSIC, DEEP, VGG19_CHANNELS
from tests.support.pictures import photo


def test_shipped_weights_are_vgg19_s_first_eleven_layers():
    convs = load_vgg19(CLASSIC)
    assert [conv.name for conv in convs] == list(CLASSIC.layers)
    assert sum(conv.weight.size + conv.bias.size for conv in convs) == 555_328
    for conv in convs:
        assert conv.weight.dtype == conv.bias.dtype == np.float32
        assert conv.weight.shape[0] == conv.bias.shape[0] == VGG19_CHANNELS[conv.name]


@pytest.mark.parametrize("name", ["coffee.jpg", "cat.jpg", "nagasaki-boats.jpg"])
def test_activations_and_grams_of_photographs_fit_into_fp16(engines, name):
    """Normalised: activations about 1 in the mean, nothing near FP16's largest, 65504."""
    picture = to_array(photo(192, 128, name))
    graph = features_graph(CLASSIC, "average")
    with OnnxRuntimeBackend(graph, height=128, width=192, folder=engines) as backend:
        found = backend.run({"image": picture})
    assert 0.3 < found["content"].mean() < 3 and found["content"].max() < 1000
    for layer in CLASSIC.style_layers:
        assert found[gram_name(layer)].max() < 100


def test_colours_are_read_red_first(engines):
    """VGG-19 tells red from blue; with the channels mixed up these two would trade places."""
    first = load_vgg19(CLASSIC)[0]
    stored = np.load(str(slice_path(WEIGHTS, CLASSIC)))
    raw = stored["conv1_1.table"][stored["conv1_1.indices"]]
    scale = first.weight[:, 0] / raw[:, 2]
    np.testing.assert_allclose(scale, 255 / 18.60, rtol=1e-4)


def test_missing_weights_name_the_command(tmp_path):
    with pytest.raises(WeightsMissing, match="make weights"):
        load_vgg19(DEEP, tmp_path)
