"""Reading generators of every layout, and refusing what is none."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import numpy as np
import pytest

from export.errors import CheckpointError
from export.sources.generator_layouts import load_generator, read_generator

torch = pytest.importorskip("torch")
from tests.support.export import torch_generators


def arrays(generator: torch.nn.Module) -> Dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in generator.state_dict().items()}


@pytest.mark.parametrize(
    ("generator", "said"),
    [
        (torch_generators.cyclegan(8, 9), "CycleGAN generator of 9 blocks, 8 channels wide"),
        (torch_generators.cyclegan(5, 6), "CycleGAN generator of 6 blocks, 5 channels wide"),
        (torch_generators.cyclegan(4, 1, dropout=True), "CycleGAN generator of 1 blocks, 4"),
        (torch_generators.gan_compression(), "GAN Compression generator of 9 blocks, 16"),
        (torch_generators.gan_compression((3, 5, 7), (2, 9)), "GAN Compression generator of 2"),
        (torch_generators.affine(6, 3), "affine generator of 3 blocks, 6 channels wide"),
    ],
)
def test_layout_width_and_blocks_are_inferred(generator: torch.nn.Module, said: str) -> None:
    assert str(read_generator(arrays(generator))).startswith(said)


def test_statistics_of_instance_norms_before_torch_04_are_passed_over() -> None:
    tensors = arrays(torch_generators.cyclegan(4, 2))
    with_statistics = dict(tensors)
    for name in ("model.2", "model.10.conv_block.2", "model.16"):
        with_statistics[f"{name}.running_mean"] = np.zeros(4, np.float32)
        with_statistics[f"{name}.running_var"] = np.ones(4, np.float32)
        with_statistics[f"{name}.num_batches_tracked"] = np.zeros((), np.int64)
    assert str(read_generator(with_statistics)) == str(read_generator(tensors))


def test_halves_are_read_as_float32() -> None:
    tensors = {
        name: array.astype(np.float16)
        for name, array in arrays(torch_generators.cyclegan(4, 1)).items()
    }
    for convolution in read_generator(tensors).convolutions():
        assert convolution.weight.dtype == np.float32


def changed(name: str, array: object) -> Dict[str, np.ndarray]:
    tensors = arrays(torch_generators.cyclegan(4, 2))
    if array is None:
        del tensors[name]
    else:
        tensors[name] = np.asarray(array)
    return tensors


def uneven_block() -> torch.nn.Module:
    convolutions = [torch.nn.Conv2d(16, 16, 3), torch.nn.Conv2d(16, 9, 3)]
    between = [torch.nn.ReLU()] * 3
    return torch_generators.Residual(
        "conv_block", [torch.nn.ReLU(), convolutions[0], *between, convolutions[1]]
    )


FLOATS = np.float32


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({}, "no tensors"),
        (arrays(torch.nn.Conv2d(3, 8, 3)), r"2 tensors \(weight \[8, 3, 3, 3\]"),
        (
            {"features.0.weight": np.zeros((64, 3, 3, 3), FLOATS)},
            r"features\.0\.weight \[64, 3, 3, 3\].*residual blocks are missing",
        ),
        (
            {"model.3.conv_block.1.weight": np.zeros((4, 4, 3, 3), FLOATS)},
            r"residual blocks are at model\.3, where .*from model\.10 on",
        ),
        (changed("model.4.weight", None), r"lacks model\.4\.weight"),
        (changed("model.19.weight", None), r"lacks model\.19\.weight"),
        (
            changed("model.4.weight", np.zeros((8, 5, 3, 3), FLOATS)),
            r"model\.4\.weight has the shape \[8, 5, 3, 3\].*\[out, 4, 3, 3\]",
        ),
        (
            changed("model.1.weight", np.zeros((4, 1, 7, 7), FLOATS)),
            r"model\.1\.weight has the shape \[4, 1, 7, 7\].*\[out, 3, odd, odd\]",
        ),
        (changed("model.1.weight", np.zeros((4, 3, 4, 4), FLOATS)), r"\[4, 3, 4, 4\].*odd"),
        (changed("model.1.bias", np.zeros(5, FLOATS)), r"model\.1\.bias has the shape \[5\]"),
        (
            changed("model.19.weight", np.zeros((1, 4, 7, 7), FLOATS)),
            "gives 1 channels; a picture has 3",
        ),
        (
            arrays(torch_generators.Generator((4, 8, 16), [uneven_block()])),
            r"residual block model\.10\.conv_block takes 16 channels and gives 9",
        ),
        (changed("extra.weight", np.zeros(3, FLOATS)), r"beside a generator.*extra\.weight \[3\]"),
        (changed("model.1.weight", np.zeros((4, 3, 7, 7), np.int64)), "int64"),
        (changed("model.1.weight", np.full((4, 3, 7, 7), np.nan, FLOATS)), "not numbers"),
        (changed("model.1.bias", np.full(4, np.inf, FLOATS)), "infinite"),
    ],
)
def test_anything_else_is_refused_with_what_was_found(
    tensors: Dict[str, np.ndarray], said: str
) -> None:
    with pytest.raises(CheckpointError, match=said):
        read_generator(tensors)


def test_batch_normalisation_is_refused() -> None:
    tensors = arrays(torch_generators.affine(4, 1))
    tensors["model.2.running_mean"] = np.zeros(4, np.float32)
    with pytest.raises(CheckpointError, match="batch normalisation"):
        read_generator(tensors)


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save(torch.nn.Conv2d(3, 8, 3).state_dict(), path)
    with pytest.raises(CheckpointError, match=r"other\.pth cannot be used: it holds 2 tensors"):
        load_generator(path)
