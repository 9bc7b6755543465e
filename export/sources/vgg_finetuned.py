"""The file of fine-tuned convolutions: the weights, the means they were divided by, the report.

It is an .npz that includes the report, so that the report is not lost when the file is copied to
the machine that paints. Its arrays: `NAME.weight` float32 OIHW and `NAME.bias` float32 O, which
take RGB in [0, 1] minus `MEAN_RGB` and give features of mean 1; `means` float64, one for each
layer; `report`, JSON.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence, Tuple

import numpy as np

from export.errors import WeightsError, WeightsMissing
from export.sources.vgg import ALL_CHANNELS, Convolution
from export.sources.vgg_rescaling import normalised
from runtime.files import atomic_write
from runtime.spec.vgg import VGG19_CALTECH101

#: The name of the fine-tuned weights in the catalogue.
FINE_TUNED = VGG19_CALTECH101


@dataclass(frozen=True)
class FineTuned:
    """The content of the file; `export.training.report` describes `report`."""

    convolutions: Tuple[Convolution, ...]
    means: Mapping[str, float]
    report: Mapping[str, Any]


def finetuned_path(folder: Path) -> Path:
    """The file in a weights folder."""
    return folder / f"{FINE_TUNED}.npz"


def write_finetuned(
    folder: Path, convolutions: Sequence[Convolution], report: Mapping[str, Any]
) -> Path:
    """Rescale `convolutions` to features of mean 1 and write them; returns the file.

    They take RGB in [0, 1] minus `MEAN_RGB`. The file is written whole or not at all.

    Raises `WeightsError` for weights whose features are all zero, or if the file cannot be written.
    """
    rescaled, means = normalised(convolutions)
    arrays: Dict[str, np.ndarray] = {
        "means": np.array(means),
        "report": np.array(json.dumps(report)),
    }
    for conv in rescaled:
        arrays[f"{conv.name}.weight"] = conv.weight
        arrays[f"{conv.name}.bias"] = conv.bias
    path = finetuned_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise WeightsError(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def read_finetuned(folder: Path) -> FineTuned:
    """Read what `write_finetuned` wrote.

    Raises `WeightsMissing` if it is not there, `WeightsError` if it is damaged or another file.
    """
    path = finetuned_path(folder)
    if not path.exists():
        raise WeightsMissing(f"{path} is not there. Make it with `make train-vgg19`.")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        report = json.loads(str(arrays["report"]))
        names = tuple(name[: -len(".weight")] for name in arrays if name.endswith(".weight"))
        convolutions = tuple(
            Convolution(name, arrays[f"{name}.weight"], arrays[f"{name}.bias"]) for name in names
        )
        means = dict(zip(names, arrays["means"].tolist()))
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise _unusable(path, f"it is damaged ({error})") from error
    _check(path, convolutions)
    return FineTuned(convolutions, means, report)


def _check(path: Path, convolutions: Sequence[Convolution]) -> None:
    incoming = 3
    for name, conv in zip(ALL_CHANNELS, convolutions):
        expected = (ALL_CHANNELS[name], incoming, 3, 3)
        if conv.name != name or conv.weight.shape != expected or conv.bias.shape != expected[:1]:
            raise _unusable(
                path, f"{conv.name} is {conv.weight.shape}, expected {name} of {expected}"
            )
        if not (np.isfinite(conv.weight).all() and np.isfinite(conv.bias).all()):
            raise _unusable(path, f"{name} holds values that are no numbers")
        incoming = ALL_CHANNELS[name]
    if not convolutions:
        raise _unusable(path, "it holds no convolutions")


def _unusable(path: Path, why: str) -> WeightsError:
    return WeightsError(f"{path} cannot be used: {why}. Make it again with `make train-vgg19`.")
