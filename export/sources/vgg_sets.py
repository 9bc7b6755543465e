"""The sets of VGG-19 weights by name: which are installed, and their convolutions.

All sets have the same form: convolutions for RGB in [0, 1] minus `MEAN_RGB`, features of mean 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping, Tuple

import numpy as np

from export.errors import CheckpointError, WeightsMissing
from export.sources.catalogue import (
    CATALOGUE,
    FINE_TUNED_SLICE,
    WEIGHTS,
    Made,
)
from export.sources.checkpoint import read_tensors
from export.sources.vgg import ALL_CHANNELS, MEAN_RGB, Convolution, load_vgg19
from export.sources.vgg_finetuned import finetuned_path, read_finetuned
from export.sources.vgg_rescaling import normalised
from export.sources.vgg_slice import slice_path
from runtime.spec.vgg import CLASSIC, DEEP, OBJECTIVES, VGG19, WEIGHT_SETS, Objective

#: The mean and the standard deviation in RGB with which torchvision's weights expect a picture in
#: [0, 1] to be normalised.
TORCHVISION_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
TORCHVISION_STD = np.array([0.229, 0.224, 0.225], np.float32)


def installed_layers(name: str, folder: Path = WEIGHTS) -> Tuple[str, ...]:
    """The layers of the set `name` whose weights are in `folder`; empty if there are none."""
    if name == VGG19:
        objectives = [each for each in (DEEP, CLASSIC) if slice_path(folder, each).exists()]
        return objectives[0].layers if objectives else ()
    if CATALOGUE[name].loader == FINE_TUNED_SLICE:
        return CLASSIC.layers if finetuned_path(folder).exists() else ()
    return tuple(ALL_CHANNELS) if (folder / CATALOGUE[name].file_name).exists() else ()


def objectives_of(name: str, folder: Path = WEIGHTS) -> Tuple[Objective, ...]:
    """The objectives for which a set has all layers installed."""
    if name == VGG19:
        # Each objective has a file of its own; either one may be missing.
        return tuple(each for each in OBJECTIVES.values() if slice_path(folder, each).exists())
    there = set(installed_layers(name, folder))
    return tuple(each for each in OBJECTIVES.values() if there.issuperset(each.layers))


def installed_sets(folder: Path = WEIGHTS) -> Dict[str, Tuple[Objective, ...]]:
    """The sets that are installed for at least one objective, with these objectives."""
    found = {name: objectives_of(name, folder) for name in WEIGHT_SETS}
    return {name: objectives for name, objectives in found.items() if objectives}


def check_installed(name: str, folder: Path = WEIGHTS) -> None:
    """Raise `WeightsMissing` unless the set `name` is installed for at least one objective.

    The default set may be missing: generators work without it.
    """
    if name != VGG19 and not objectives_of(name, folder):
        raise WeightsMissing(f"{folder} has no {name}: run `{_remedy(name)}`.")


def load_set(name: str, layers: Tuple[str, ...], folder: Path = WEIGHTS) -> Tuple[Convolution, ...]:
    """The convolutions of the set `name` that are called `layers`, its first ones.

    Raises `WeightsMissing` if they are not in `folder`, `WeightsError` if their file is damaged.
    """
    missing = [layer for layer in layers if layer not in installed_layers(name, folder)]
    if missing:
        raise WeightsMissing(f"{folder} has no {missing[0]} of {name}: run `{_remedy(name)}`.")
    if name == VGG19:
        objective = next(
            each for each in objectives_of(name, folder) if len(each.layers) >= len(layers)
        )
        return load_vgg19(objective, folder)[: len(layers)]
    if CATALOGUE[name].loader == FINE_TUNED_SLICE:
        return read_finetuned(folder).convolutions[: len(layers)]
    tensors = read_tensors(folder / CATALOGUE[name].file_name)
    return normalised(_from_torchvision(name, tensors, layers))[0]


def _remedy(name: str) -> str:
    source = CATALOGUE[name].source
    return source.command if isinstance(source, Made) else f"python -m export weights {name}"


def _from_torchvision(
    name: str, tensors: Mapping[str, np.ndarray], layers: Tuple[str, ...]
) -> List[Convolution]:
    """The layers out of torchvision's state dict, for RGB in [0, 1] minus `MEAN_RGB`."""
    convolutions = []
    incoming, index = 3, 0
    for layer in layers:
        if incoming != 3 and layer.endswith("_1"):
            index += 1  # the pooling
        weight, bias = (tensors.get(f"features.{index}.{part}") for part in ("weight", "bias"))
        expected = (ALL_CHANNELS[layer], incoming, 3, 3)
        if weight is None or bias is None or weight.shape != expected:
            found = "nothing" if weight is None else str(weight.shape)
            raise CheckpointError(
                f"{name} holds {found} as features.{index}.weight; expected {layer} of {expected}. "
                "Delete its file and fetch it again."
            )
        if incoming == 3:
            weight = weight / TORCHVISION_STD[:, None, None]
            # The two means differ by half a step of 255; the bias corrects it.
            bias = bias + np.einsum("oihw,i->o", weight, MEAN_RGB - TORCHVISION_MEAN)
        convolutions.append(Convolution(layer, weight.astype(np.float32), bias.astype(np.float32)))
        incoming, index = ALL_CHANNELS[layer], index + 2  # the convolution and its ReLU
    return convolutions
