from __future__ import annotations

import numpy as np

from export.vgg import load_vgg19
from runtime.spec import CLASSIC, VGG19_CHANNELS


def test_shipped_weights_are_vgg19_s_first_eleven_layers():
    convs = load_vgg19(CLASSIC)
    assert [conv.name for conv in convs] == list(CLASSIC.layers)
    assert sum(conv.weight.size + conv.bias.size for conv in convs) == 555_328
    for conv in convs:
        assert conv.weight.dtype == conv.bias.dtype == np.float32
        assert conv.weight.shape[0] == conv.bias.shape[0] == VGG19_CHANNELS[conv.name]
