"""Reading `torch.save` files without torch: equal to torch, and safe against any file."""

from __future__ import annotations

import copy
import io
import os
import pickle
import random
import re
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Callable, Dict, Tuple

import numpy as np
import pytest

from export.errors import CheckpointError, CheckpointRefused
from export.sources.checkpoint import read_tensors

torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[3]
FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def save(value: object, path: Path, zipped: bool = True) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    return path


def state_dict() -> OrderedDict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    return OrderedDict(
        (f"layer.{index}", torch.randn(4, 3, 2, generator=generator)) for index in range(5)
    )


@FORMATS
@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"]
)
def test_every_dtype_reads_as_torch_wrote_it(tmp_path: Path, zipped: bool, dtype: str) -> None:
    tensor = (torch.randn(5, 7) * 50).to(getattr(torch, dtype))
    array = read_tensors(save({"a": tensor}, tmp_path / "a.pth", zipped))["a"]
    assert array.dtype == np.dtype(dtype)
    assert np.array_equal(array, tensor.numpy())


@FORMATS
def test_bfloat16_becomes_the_same_float32(tmp_path: Path, zipped: bool) -> None:
    tensor = torch.randn(33).to(torch.bfloat16)
    array = read_tensors(save({"a": tensor}, tmp_path / "a.pth", zipped))["a"]
    assert array.dtype == np.float32
    assert np.array_equal(array, tensor.float().numpy())


@FORMATS
def test_views_of_one_storage(tmp_path: Path, zipped: bool) -> None:
    base = torch.arange(60.0).reshape(5, 12)
    views = {
        "base": base,
        "transposed": base.t(),
        "rows": base[1::2],
        "part": base[2:4, 3:9:2],
        "scalar": base[3, 4],
        "expanded": base[0, :1].expand(3, 4),
        "empty": base[:0],
    }
    arrays = read_tensors(save(views, tmp_path / "a.pth", zipped))
    assert list(arrays) == list(views)
    for name, view in views.items():
        assert arrays[name].shape == tuple(view.shape), name
        assert np.array_equal(arrays[name], view.numpy()), name


@FORMATS
def test_state_dict_of_a_module_with_parameters(tmp_path: Path, zipped: bool) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8))
    expected = module.state_dict(keep_vars=True)
    arrays = read_tensors(save(expected, tmp_path / "a.pth", zipped))
    assert list(arrays) == list(expected)
    for name, tensor in expected.items():
        assert np.array_equal(arrays[name], tensor.detach().numpy()), name


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_newer_pickle_protocols(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.ones(3)}, path, pickle_protocol=protocol)
    assert read_tensors(path)["a"].tolist() == [1, 1, 1]


def test_arrays_cannot_be_written_to(tmp_path: Path) -> None:
    array = read_tensors(save({"a": torch.ones(3)}, tmp_path / "a.pth"))["a"]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 2


def test_needs_no_torch(tmp_path: Path) -> None:
    path = save(state_dict(), tmp_path / "a.pth")
    program = (
        "import sys; from pathlib import Path; from export.sources.checkpoint import read_tensors; "
        f"read_tensors(Path({str(path)!r})); sys.exit('torch' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", program], cwd=str(ROOT), check=False).returncode == 0
    )


class Attack:
    """Pickles as a call, the way that malicious checkpoints do."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Tuple[Callable[..., object], Tuple[object, ...]]:
        return self.call


@FORMATS
@pytest.mark.parametrize(
    ("function", "name"),
    [(os.system, "system"), (eval, "eval"), (getattr, "getattr"), (__import__, "__import__")],
)
def test_code_in_the_pickle_is_refused_by_name_and_not_run(
    tmp_path: Path, zipped: bool, function: Callable[..., object], name: str
) -> None:
    witness = tmp_path / "witness"
    value = {"a": torch.ones(2), "b": Attack(function, f"touch {witness}")}
    with pytest.raises(CheckpointRefused, match=rf"a\.pth .*\b{name}\b"):
        read_tensors(save(value, tmp_path / "a.pth", zipped))
    assert not witness.exists()


@FORMATS
def test_a_whole_module_is_refused(tmp_path: Path, zipped: bool) -> None:
    with pytest.raises(CheckpointRefused, match=r"torch\.nn\.modules.*state dict"):
        read_tensors(save(torch.nn.Conv2d(1, 1, 1), tmp_path / "a.pth", zipped))


def zip_with_pickle(path: Path, program: bytes, **storages: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", program)
        for key, data in storages.items():
            archive.writestr(f"a/data/{key}", data)
    return path


def tensor_pickle(
    count: int, offset: int, shape: Tuple[int, ...], strides: Tuple[int, ...]
) -> bytes:
    """The pickle of {"a": tensor} over storage "s0" of `count` float32 values."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: object) -> object:
            if obj != "storage here":
                return None
            return ("storage", torch.FloatStorage, "s0", "cpu", count)

    # Rebuilding must be named and not called while pickling.
    rebuild = Attack(
        torch._utils._rebuild_tensor_v2,
        "storage here",
        offset,
        shape,
        strides,
        False,
        OrderedDict(),
    )
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump({"a": rebuild})
    return stream.getvalue()


def test_the_forged_tensor_reads_when_it_is_sound(tmp_path: Path) -> None:
    data = np.arange(6, dtype=np.float32)
    path = zip_with_pickle(
        tmp_path / "a.pth", tensor_pickle(6, 2, (2, 2), (2, 1)), s0=data.tobytes()
    )
    assert read_tensors(path)["a"].tolist() == [[2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("count", "offset", "shape", "strides", "sentence"),
    [
        (6, 3, (2, 2), (2, 1), "reaches value 6 of a storage of 6"),
        (6, 0, (7,), (1,), "reaches value 6 of a storage of 6"),
        (6, 0, (2, 2), (1 << 40, 1), "reaches value"),
        (6, 0, (1 << 40, 1 << 40), (0, 0), "larger than any memory"),
        (6, -1, (2,), (1,), "negative"),
        (6, 0, (-2,), (1,), "negative"),
        (6, 5, (2,), (-1,), "negative"),
        (6, 0, (2, 2), (1,), "no valid shape"),
        (6, 0, (1,) * 70, (1,) * 70, "no valid shape"),
        (7, 0, (2,), (1,), "24 bytes of 28"),
        (1 << 50, 0, (2,), (1,), "24 bytes of"),
        (-1, 0, (2,), (1,), "length -1"),
    ],
)
def test_a_tensor_outside_its_storage_is_refused(
    tmp_path: Path,
    count: int,
    offset: int,
    shape: Tuple[int, ...],
    strides: Tuple[int, ...],
    sentence: str,
) -> None:
    program = tensor_pickle(count, offset, shape, strides)
    path = zip_with_pickle(tmp_path / "a.pth", program, s0=bytes(24))
    with pytest.raises(CheckpointError, match=sentence):
        read_tensors(path)


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        # A memo index of 4 billion would make the unpickler take 32 GB.
        (b"\x80\x02Nr\xff\xff\xff\xff.", "memo index 4294967295"),
        (b"\x80\x05\x96" + (1 << 40).to_bytes(8, "little") + b".", "damaged|BYTEARRAY8"),
        (b"\x80\x02(ios\nsystem\n.", "INST"),
        # Setting the state of a function that the pickle may name.
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}b.", "state of a function"),
        (b"\x80\x02]q\x00h\x00a.", "a list, not a table"),
        (b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.", "'a' is a table, not a tensor"),
        (b"\x80\x02}K\x01K\x02s.", "entry 1 is a int"),
        (b"\x80\x02.", "damaged"),
        (b"", "damaged or cut short"),
    ],
)
def test_hostile_and_odd_pickles(tmp_path: Path, program: bytes, sentence: str) -> None:
    with pytest.raises(CheckpointError, match=sentence):
        read_tensors(zip_with_pickle(tmp_path / "a.pth", program))


def test_a_compressed_storage_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("a/data.pkl"), tensor_pickle(6, 0, (6,), (1,)))
        archive.writestr("a/data/s0", bytes(10_000_000))
    with pytest.raises(CheckpointError, match="compressed"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not a file of torch.save"),
        (b"\x89HDF\r\n\x1a\n", "not a file of torch.save"),
        (b"<!DOCTYPE html><html>", "not a file of torch.save"),
        (pickle.dumps({"a": 1}, protocol=2), "none of torch.save"),
        (b"PK\x03\x04 and no more", "damaged or cut short"),
    ],
)
def test_another_kind_of_file(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=sentence):
        read_tensors(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.pth: No such file"):
        read_tensors(tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match="directory"):
        read_tensors(tmp_path)


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match=r"0 members named data\.pkl"):
        read_tensors(path)


def same(one: Dict[str, np.ndarray], other: Dict[str, np.ndarray]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)


@FORMATS
def test_every_truncation_is_told_in_a_sentence(tmp_path: Path, zipped: bool) -> None:
    path = save(state_dict(), tmp_path / "a.pth", zipped)
    content = path.read_bytes()
    whole = read_tensors(path)
    for length in range(0, len(content), 13):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"a\.pth cannot be used"):
            read_tensors(path)
    path.write_bytes(content)
    assert same(read_tensors(path), whole)


@FORMATS
def test_no_damage_raises_anything_but_a_checkpoint_error(tmp_path: Path, zipped: bool) -> None:
    path = save(state_dict(), tmp_path / "a.pth", zipped)
    content = path.read_bytes()
    chance = random.Random(20)
    refused = 0
    for _ in range(600):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(bytes(damaged))
        try:
            read_tensors(path)
        except CheckpointError:
            refused += 1
    # Some damage only changes values, padding or the time of a member.
    assert refused > 100


def peak_and_time(path: Path) -> Tuple[str, float, float]:
    """The error of reading a file in a process of its own, the seconds and the MiB that it took."""
    program = (
        "import resource, sys, time; from pathlib import Path\n"
        "from export.errors import CheckpointError\n"
        "from export.sources.checkpoint import read_tensors\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before, begin, error = peak(), time.perf_counter(), ''\n"
        f"try: read_tensors(Path({str(path)!r}))\n"
        "except CheckpointError as refused: error = str(refused)\n"
        "print(time.perf_counter() - begin, peak() - before, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
    )
    seconds, mebibytes, error = done.stdout.decode().split(" ", 2)
    return error.strip(), float(seconds), float(mebibytes)


def doubled(levels: int) -> bytes:
    """Operations that push a tuple of two references to a tuple, and so on, 2**levels values."""
    steps = [b"h%ch%c\x86q%c" % (level, level, level + 1) for level in range(levels)]
    return b")q\x00" + b"".join(steps)


#: A list of 20,000 pairs, as entry 1 of the memo.
PAIRS = b"](" + b"".join(b"]q\x02(M%bNe" % index.to_bytes(2, "little") for index in range(20_000))
COPIES = PAIRS + b"eq\x01" + b"ccollections\nOrderedDict\nh\x01\x85R" * 10_000
#: A storage, and a shape of 100,000 sizes, which 10,000 tensors have.
STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x02\x00\x00\x00s0h\x00K\x01tQq\x02"
LONG_SHAPE = b")q\x00" + STORAGE + b"(" + b"K\x01" * 100_000 + b"tq\x01"
SHAPES = LONG_SHAPE + b"ctorch._utils\n_rebuild_tensor_v2\n(h\x02K\x00h\x01h\x01tR" * 10_000


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (b"\x80\x02" + doubled(40) + b"}h(Ns.", "a tuple as the name of an entry"),
        (b"\x80\x02" + doubled(40) + b"}(h(Nu.", "a tuple as the name of an entry"),
        (b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00" + doubled(40) + b"}h(Ns.", "a tuple as"),
        (b"\x80\x02" + doubled(40) + b"h(Q.", "not a storage"),
        (
            b"\x80\x02" + doubled(40) + b"(X\x07\x00\x00\x00storageh(h(NK\x01h(tQ.",
            "storage of no known type",
        ),
        (b"\x80\x02" + COPIES + b".", "^$"),
        (b"\x80\x02" + SHAPES + b".", "100000 dimensions"),
        (b"\x80\x02" + b"]" * 2_000_000 + b".", "more than 1048576 bytes"),
        (b"\x80\x02" + b"]q\x01" + b"h\x01a" * 100_000 + b".", "holds a list"),
    ],
    ids=[
        "key", "keys", "framed", "persistent", "storage", "copies", "shapes", "many", "nested",
    ],
)  # fmt: skip
def test_a_small_pickle_takes_little_time_and_memory(
    tmp_path: Path, program: bytes, sentence: str
) -> None:
    error, seconds, mebibytes = peak_and_time(zip_with_pickle(tmp_path / "a.pth", program))
    assert re.search(sentence, error), error
    assert seconds < 5 and mebibytes < 150, (seconds, mebibytes)


def tensors_pickle(*tensors: Tuple[str, object, int, Tuple[int, ...]]) -> bytes:
    """The pickle of contiguous tensors, each over a storage of (key, type, count) of its own shape."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: object) -> object:
            return obj if isinstance(obj, tuple) and obj[:1] == ("storage",) else None

    table = {
        f"t{index}": Attack(
            torch._utils._rebuild_tensor_v2,
            ("storage", kind, key, "cpu", count),
            0,
            shape,
            (0,) * len(shape),
            False,
            OrderedDict(),
        )
        for index, (key, kind, count, shape) in enumerate(tensors)
    }
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(table)
    return stream.getvalue()


def test_a_storage_with_several_lengths_is_refused_before_it_is_read_again(tmp_path: Path) -> None:
    count = 2_000_000
    program = tensors_pickle(
        *[("s0", torch.FloatStorage, count - index, (1,)) for index in range(100)]
    )
    path = zip_with_pickle(tmp_path / "a.pth", program, s0=bytes(4 * count))
    error, _, mebibytes = peak_and_time(path)
    assert "storage s0 has two lengths or two types of values" in error
    assert mebibytes < 50


def test_members_of_the_zip_that_overlap_are_refused(tmp_path: Path) -> None:
    size = 4_000_000
    names = [f"s{index}" for index in range(50)]
    program = tensors_pickle(*[(name, torch.ByteStorage, size, (1,)) for name in names])
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", program)
        archive.writestr("a/data/s0", bytes(size))
        first = archive.getinfo("a/data/s0")
        for name in names[1:]:
            # Only the directory at the archive's end knows the others: all are the first one.
            again = copy.copy(first)
            again.filename = again.orig_filename = f"a/data/{name}"
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
    error, _, mebibytes = peak_and_time(path)
    assert "they overlap" in error
    assert mebibytes < 50


def test_tensors_that_repeat_their_storage_too_often_are_refused(tmp_path: Path) -> None:
    one = tensors_pickle(("s0", torch.FloatStorage, 1, (1 << 20, 1 << 10)))
    with pytest.raises(CheckpointError, match=r"4294967296 bytes together.*only 4:"):
        read_tensors(zip_with_pickle(tmp_path / "a.pth", one, s0=bytes(4)))
    many = tensors_pickle(*[("s0", torch.HalfStorage, 1 << 20, (1 << 20,))] * 100)
    with pytest.raises(CheckpointError, match="repeat the same values"):
        read_tensors(zip_with_pickle(tmp_path / "b.pth", many, s0=bytes(1 << 21)))


def test_an_empty_tensor_of_huge_sizes_is_refused(tmp_path: Path) -> None:
    program = tensor_pickle(6, 0, (0, 1 << 40, 1 << 40), (1, 1, 1))
    with pytest.raises(CheckpointError, match="larger than any memory"):
        read_tensors(zip_with_pickle(tmp_path / "a.pth", program, s0=bytes(24)))


def test_a_long_text_is_cut_in_the_message(tmp_path: Path) -> None:
    name = b"x" * 500_000
    program = b"\x80\x02}X" + len(name).to_bytes(4, "little") + name + b"Ns."
    with pytest.raises(CheckpointError) as caught:
        read_tensors(zip_with_pickle(tmp_path / "a.pth", program))
    assert "xxx... is a NoneType" in str(caught.value) and len(str(caught.value)) < 400


def test_an_ordered_dict_that_python_2_pickled(tmp_path: Path) -> None:
    """It gives the pairs to the call, where Python 3 sets them one after the other."""
    tensor = tensor_pickle(6, 0, (6,), (1,))
    begin, end = tensor.index(b"X\x01\x00\x00\x00a"), tensor.rindex(b"s.")
    pair = tensor[begin:end]
    program = b"\x80\x02ccollections\nOrderedDict\n](](" + pair + b"ee\x85R."
    data = np.arange(6, dtype=np.float32)
    path = zip_with_pickle(tmp_path / "a.pth", program, s0=data.tobytes())
    assert read_tensors(path)["a"].tolist() == data.tolist()


@FORMATS
def test_the_prefix_of_data_parallel_is_left_out(tmp_path: Path, zipped: bool) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.Conv2d(1, 2, 1))
    wrapped = torch.nn.DataParallel(module)
    arrays = read_tensors(save(wrapped.state_dict(), tmp_path / "a.pth", zipped))
    assert list(arrays) == list(module.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_a_prefix_that_only_some_names_have_stays(tmp_path: Path) -> None:
    tensors = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert list(read_tensors(save(tensors, tmp_path / "a.pth"))) == ["module.a", "b"]
