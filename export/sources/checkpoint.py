"""Reads the tensors of a `torch.save` file without torch and without running what is in it.

Compared with `torch.load(weights_only=True)`, this needs no torch (a download of 200 MB, and over
1 GB of memory on a Jetson) and allows fewer names in the pickle. `restricted_pickle` turns the
pickle into records of where each tensor is stored; this module checks the bounds of each record and
returns the tensor as a view of its storage.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import sys
import zipfile
from pathlib import Path
from typing import BinaryIO, Dict, Iterable, Mapping, Tuple

import numpy as np

from export.errors import CheckpointError
from export.sources.restricted_pickle import PickledTensor, StorageKey, load_pickle, shown

_ZIP_MAGIC = b"PK\x03\x04"
#: torch.save's own magic number, protocol and pickles, of the format before torch 1.6.
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
#: The errors of zipfile for archives that are damaged, encrypted or of an unknown kind.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
)
#: By how much the tensors may be larger together than their storages, and in bytes besides. Views
#: may share a storage or repeat its values, and readers copy them.
_MOST_GROWTH, _GROWTH_BYTES = 4, 1 << 20
#: The prefix of every name in the state dict of a `torch.nn.DataParallel`.
_PARALLEL = "module."


def read_tensors(path: Path) -> Dict[str, np.ndarray]:
    """Read the state dict that `torch.save` wrote to `path`, in either of its two formats.

    Returns the tensors by name, in the file's order: read-only arrays of their own dtype (float16,
    float32, float64, uint8, int8, int16, int32, int64, bool; bfloat16 becomes float32), perhaps
    strided views of a storage that several of them share. The prefix `module.`, which
    `torch.nn.DataParallel` gives to every name, is left out.

    Raises `CheckpointRefused` for a pickle that asks for anything but tensors, `CheckpointError`
    for a file that is missing, truncated, damaged or not of `torch.save`.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_ZIP_MAGIC))
            file.seek(0)
            if magic == _ZIP_MAGIC:
                return _unwrapped(_read_zip(file))
            if magic[:1] == pickle.PROTO:
                return _unwrapped(_read_legacy(io.BytesIO(file.read())))
            raise CheckpointError(f"it is not a file of torch.save (it begins with {magic!r})")
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}.") from error
    except CheckpointError as error:
        raise type(error)(f"{path.name} cannot be used: {error}.") from error


def _read_zip(file: BinaryIO) -> Dict[str, np.ndarray]:
    """Read the format since torch 1.6: `NAME/data.pkl` and one member `NAME/data/KEY` a storage."""
    try:
        with zipfile.ZipFile(file) as archive:
            pickles = [each for each in archive.namelist() if each.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise CheckpointError(
                    f"it is a zip archive with {len(pickles)} members named data.pkl; "
                    "torch.save writes one"
                )
            folder = pickles[0][: -len("data.pkl")]
            order = folder + "byteorder"
            if order in archive.namelist() and _member(archive, order).strip() != b"little":
                raise CheckpointError("it was written on a big-endian machine")
            tensors = load_pickle(io.BytesIO(_member(archive, pickles[0])))
            members = {each: f"{folder}data/{each.key}" for each in _storages(tensors)}
            _check_members(file, archive, members.values())
            storages = {each: _member(archive, name) for each, name in members.items()}
    except _ZIP_ERRORS as error:
        raise CheckpointError(f"its zip archive is damaged or cut short ({error})") from error
    return _cut_out(tensors, storages)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise CheckpointError(f"its zip archive lacks the member {name}") from error
    # torch.save never compresses; a compressed member could expand to any size.
    if info.compress_type != zipfile.ZIP_STORED:
        raise CheckpointError(f"its member {name} is compressed, which torch.save never does")
    return archive.read(info)


def _check_members(file: BinaryIO, archive: zipfile.ZipFile, names: Iterable[str]) -> None:
    """Raise `CheckpointError` if members overlap, so that reading all takes more than the file."""
    size = file.seek(0, io.SEEK_END)
    there = set(archive.namelist())
    total = sum(archive.getinfo(name).compress_size for name in names if name in there)
    if total > size:
        raise CheckpointError(
            f"its storages have {total} bytes together, but the file has {size}: they overlap"
        )


def _read_legacy(file: io.BytesIO) -> Dict[str, np.ndarray]:
    """Read the format before torch 1.6: five pickles, then each storage's length and bytes."""
    if load_pickle(file) != _LEGACY_MAGIC or load_pickle(file) != _LEGACY_PROTOCOL:
        raise CheckpointError("it is a pickle, but none of torch.save")
    system = load_pickle(file)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise CheckpointError("it was written on a big-endian machine")
    tensors = load_pickle(file)
    keys = load_pickle(file)
    if not isinstance(keys, list):
        raise CheckpointError(f"its list of storages is a {type(keys).__name__}")
    by_key = {each.key: each for each in _storages(tensors)}
    storages = {}
    for key in keys:
        if not isinstance(key, str) or key not in by_key:
            raise CheckpointError(f"its storage {shown(key)} belongs to no tensor")
        storages[by_key[key]] = _legacy_storage(file, by_key[key])
    return _cut_out(tensors, storages)


def _legacy_storage(file: io.BytesIO, storage: StorageKey) -> bytes:
    header = file.read(8)
    if len(header) < 8:
        raise CheckpointError(f"it ends before the length of storage {storage.key}: cut short?")
    (count,) = struct.unpack("<q", header)
    if count != storage.length:
        raise CheckpointError(
            f"its storage {storage.key} holds {count} values, its pickle says {storage.length}"
        )
    return file.read(storage.nbytes)


def _table(tensors: object) -> Dict[str, PickledTensor]:
    """The pickle's top level as tensors by name; raises `CheckpointError` if it is something else."""
    if not isinstance(tensors, dict):
        raise CheckpointError(
            f"it holds a {type(tensors).__name__}, not a table of tensors by name (a state dict)"
        )
    for name, value in tensors.items():
        if not isinstance(name, str) or not isinstance(value, PickledTensor):
            kind = "a table" if isinstance(value, dict) else f"a {type(value).__name__}"
            raise CheckpointError(
                f"its entry {shown(name)} is {kind}, not a tensor; expected a plain state dict: "
                "save that part alone with torch.save"
            )
    return tensors


def _storages(tensors: object) -> Tuple[StorageKey, ...]:
    """The storages of all tensors; raises `CheckpointError` if two of them have the same key."""
    found: Dict[str, StorageKey] = {}
    for tensor in _table(tensors).values():
        if found.setdefault(tensor.storage.key, tensor.storage) != tensor.storage:
            raise CheckpointError(
                f"its storage {tensor.storage.key} has two lengths or two types of values"
            )
    return tuple(found.values())


def _cut_out(tensors: object, storages: Mapping[StorageKey, bytes]) -> Dict[str, np.ndarray]:
    for storage, data in storages.items():
        if len(data) < storage.nbytes:
            raise CheckpointError(
                f"its storage {storage.key} has {len(data)} bytes of {storage.nbytes}: cut short?"
            )
    arrays = {storage: _values(storage, data) for storage, data in storages.items()}
    views = {name: _view(name, each, arrays) for name, each in _table(tensors).items()}
    total = sum(each.nbytes for each in views.values())
    stored = sum(each.nbytes for each in arrays.values())
    if total > _MOST_GROWTH * stored + _GROWTH_BYTES:
        raise CheckpointError(
            f"its tensors have {total} bytes together, but its storages only {stored}: "
            "they repeat the same values"
        )
    return views


def _unwrapped(tensors: Dict[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """The tensors without the prefix of a `torch.nn.DataParallel`."""
    if not all(name.startswith(_PARALLEL) for name in tensors):
        return tensors
    return {name[len(_PARALLEL) :]: array for name, array in tensors.items()}


def _values(storage: StorageKey, data: bytes) -> np.ndarray:
    """A storage as a read-only vector of its dtype."""
    if storage.dtype == "bool":
        # A byte other than 0 and 1 is not a valid numpy bool.
        values: np.ndarray = np.frombuffer(data, np.uint8, storage.length) != 0
    elif storage.dtype == "bfloat16":
        # A bfloat16 is the upper half of a float32.
        halves = np.frombuffer(data, "<u2", storage.length)
        values = (halves.astype(np.uint32) << 16).view(np.float32)
    else:
        values = np.frombuffer(data, np.dtype(storage.dtype).newbyteorder("<"), storage.length)
    values.flags.writeable = False
    return values


def _view(
    name: str, tensor: PickledTensor, storages: Mapping[StorageKey, np.ndarray]
) -> np.ndarray:
    """One tensor as a view of its storage, after its bounds are checked."""
    storage = storages.get(tensor.storage)
    if storage is None:
        raise CheckpointError(f"the storage {tensor.storage.key} of {name} is missing")
    shape, strides, offset = tensor.shape, tensor.strides, tensor.offset
    what = f"{name} (shape {list(shape)}, strides {list(strides)}, offset {offset})"
    if len(shape) != len(strides):
        raise CheckpointError(f"{what} has no valid shape")
    if offset < 0 or any(each < 0 for each in shape + strides):
        raise CheckpointError(f"{what} has a negative size, stride or offset")
    # numpy refuses such a shape even if one of its sizes is 0.
    if math.prod(max(each, 1) for each in shape) * storage.itemsize > sys.maxsize:
        raise CheckpointError(f"{what} is larger than any memory")
    if 0 in shape:
        return np.zeros(shape, storage.dtype)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides))
    if last >= len(storage):
        raise CheckpointError(
            f"{what} reaches value {last} of a storage of {len(storage)}: the file is damaged"
        )
    view: np.ndarray = np.lib.stride_tricks.as_strided(
        storage[offset:],
        shape,
        tuple(stride * storage.itemsize for stride in strides),
        writeable=False,
    )
    return view
