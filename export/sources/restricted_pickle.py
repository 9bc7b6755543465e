"""Unpickles what `torch.save` pickles, and nothing else.

A pickle is a program. It is read twice here: first its operations are listed without running any,
and a pickle with an operation that a state dict does not need is refused; then it runs with our own
callables in place of the few names that it may use, and each of these only records its arguments.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any, Callable, Dict, Iterator, Mapping, NamedTuple, Tuple

import numpy as np

from export.errors import CheckpointError, CheckpointRefused

#: Enough for nested tables of text, numbers and tensors, in the pickle protocols 2 to 4.
_ADMITTED_NAMES = """
    PROTO FRAME STOP MARK GLOBAL STACK_GLOBAL REDUCE BUILD BINPERSID
    NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT
    BINUNICODE SHORT_BINUNICODE BINSTRING SHORT_BINSTRING
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS
    EMPTY_DICT SETITEM SETITEMS BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET
"""
_ADMITTED = frozenset(_ADMITTED_NAMES.split())
_OPERATIONS = {each.code: each for each in pickletools.opcodes}

_STORAGE_TYPES: Mapping[str, str] = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "BoolStorage": "bool",
}


# Named tuples, not dataclasses: a pickle's BUILD could write into a dataclass, frozen or not.
class StorageKey(NamedTuple):
    """`length` consecutive values in the file; `dtype` is numpy's name or "bfloat16"."""

    key: str
    dtype: str
    length: int

    @property
    def nbytes(self) -> int:
        """Its size in the file."""
        return self.length * (2 if self.dtype == "bfloat16" else np.dtype(self.dtype).itemsize)


class PickledTensor(NamedTuple):
    """The place of a tensor, not checked yet; strides and offset count values, not bytes."""

    storage: StorageKey
    offset: int
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]


def load_pickle(stream: io.BytesIO) -> object:
    """Load the pickle at `stream`'s position, and leave the stream at its end.

    The stream is in memory, so that a false length in it cannot read past the end.
    Returns plain tables, lists, tuples, numbers and text, with a `PickledTensor` for each tensor.

    Raises `CheckpointRefused` if the pickle uses anything else, before any of it is run,
    `CheckpointError` if it is damaged.
    """
    program = _program(stream)
    try:
        return _Unpickler(io.BytesIO(program), encoding="utf-8").load()
    except CheckpointError:
        raise
    # The errors that the unpickler documents for a damaged pickle, and others that it raises.
    except (
        pickle.UnpicklingError,
        AttributeError,
        EOFError,
        ImportError,
        LookupError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise CheckpointError(f"its pickle is damaged ({error})") from error


def _program(stream: io.BytesIO) -> bytes:
    """The bytes of one pickle, after all its operations are checked."""
    start = stream.tell()
    size = stream.seek(0, io.SEEK_END) - start
    stream.seek(start)
    try:
        for name, argument in _operations(stream):
            # The unpickler allocates a slot for every index up to this one.
            if name == "LONG_BINPUT" and int(str(argument)) > size:
                raise CheckpointError(f"its pickle is damaged (memo index {argument})")
    except ValueError as error:
        raise CheckpointError(f"its pickle is damaged or cut short ({error})") from error
    end = stream.tell()
    stream.seek(start)
    return stream.read(end - start)


def _operations(stream: io.BytesIO) -> Iterator[Tuple[str, object]]:
    """Each operation's name and argument, up to STOP; raises at the first one not admitted."""
    while True:
        code = stream.read(1).decode("latin-1")
        operation = _OPERATIONS.get(code)
        if operation is None:
            raise ValueError(f"operation {code!r}" if code else "no STOP")
        if operation.name not in _ADMITTED:
            raise CheckpointRefused(
                f"its pickle holds the operation {operation.name}, which no table of tensors "
                "needs: it may be made to run code; get the file from its publisher"
            )
        if operation.name == "GLOBAL":
            _stand_in(_line(stream), _line(stream))
            continue
        yield operation.name, operation.arg.reader(stream) if operation.arg else None
        if operation.name == "STOP":
            return


def _line(stream: io.BytesIO) -> str:
    """A line as the unpickler reads it; pickletools would take its backslashes for escapes."""
    return stream.readline().decode("utf-8").rstrip("\n")


def _stand_in(module_name: str, global_name: str) -> object:
    """The replacement for a name that the pickle uses."""
    found = _NAMES.get((module_name, global_name))
    if found is None:
        raise CheckpointRefused(
            f"its pickle asks for {module_name}.{global_name}; weights need only tensors, "
            "so this file may be made to run code: nothing of it was executed; "
            "get the file from its publisher, or save its state dict alone"
        )
    return found


class _Admitted:
    """A callable for a name that pickles may use; BUILD cannot change it."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call

    def __call__(self, *arguments: object) -> object:
        return self._call(*arguments)

    def __setstate__(self, state: object) -> None:
        raise CheckpointRefused("its pickle sets the state of a function: it may be made to harm")


class _Table(Dict[Any, Any]):
    """An OrderedDict of the pickle; its attributes (`_metadata` of state dicts) are dropped."""

    def __setstate__(self, state: object) -> None:
        """Forget `state`."""


class _Unpickler(pickle.Unpickler):
    """Admits the names in `_NAMES`."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Return our replacement for a name, or refuse it."""
        return _stand_in(module_name, global_name)

    def persistent_load(self, pid: Any) -> StorageKey:
        """Record a storage: ("storage", type, key, device, count), and None in the older format."""
        if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
            raise CheckpointError("its pickle refers to something that is not a storage")
        _, dtype, key, _, count = pid[:5]
        if dtype not in _STORAGE_TYPES.values() or not isinstance(key, str):
            raise CheckpointError("its pickle refers to a storage of no known type")
        if pid[5:] not in ((), (None,)):
            raise CheckpointError(f"its storage {key} is a view of another storage")
        if not isinstance(count, int) or count < 0:
            raise CheckpointError(f"its storage {key} has the length {count!r}")
        return StorageKey(key=key, dtype=dtype, length=count)


def _rebuild_tensor(
    storage: object, offset: object, shape: object, strides: object, *_: object
) -> PickledTensor:
    """torch._utils._rebuild_tensor_v2; arrays do not need the arguments after the strides."""
    sizes = (offset, *_integers(shape), *_integers(strides))
    if not isinstance(storage, StorageKey) or not all(type(each) is int for each in sizes):
        raise CheckpointError("its pickle describes a tensor by something other than numbers")
    return PickledTensor(
        storage=storage,
        offset=sizes[0],
        shape=_integers(shape),
        strides=_integers(strides),
    )


def _integers(value: object) -> Tuple[Any, ...]:
    if not isinstance(value, tuple):
        raise CheckpointError(f"its pickle gives {value!r} as a tensor's sizes")
    return value


def _rebuild_parameter(data: object, *_: object) -> object:
    """torch._utils._rebuild_parameter: a parameter is its tensor."""
    return data


_NAMES: Mapping[Tuple[str, str], object] = {
    ("collections", "OrderedDict"): _Admitted(_Table),
    # torch before 0.4 wrote the first one; the oldest published generators may have it.
    ("torch._utils", "_rebuild_tensor"): _Admitted(_rebuild_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): _Admitted(_rebuild_tensor),
    ("torch._utils", "_rebuild_parameter"): _Admitted(_rebuild_parameter),
    **{("torch", name): dtype for name, dtype in _STORAGE_TYPES.items()},
}
