"""Unpickles what `torch.save` pickles, and nothing else.

A pickle is a program. It is read twice here: first its operations are listed without running any,
and a pickle with an operation that a state dict does not need is refused; then it runs with our own
callables in place of the few names that it may use, and each of these only records its arguments.

A short pickle can describe a huge value, because its parts may refer to each other: a tuple of two
references to a tuple, and so on. Such a value costs nothing until it is walked through. So nothing
here hashes, compares or prints a value of the pickle before its type is known.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import sys
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

#: A state dict takes some 200 bytes a tensor; each byte of a pickle may take 70 bytes of memory.
_MOST_BYTES = 1 << 20
#: numpy 1.x takes arrays of 32 dimensions at most.
_MOST_DIMENSIONS = 32
_MOST_KEY = 100
#: The operations that make a `_Table` where the pickle makes a dict, which would hash any key.
_MAKE_TABLE = b"ccollections\nOrderedDict\n)R"

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
    """One pickle with a `_Table` in place of each dict, after all its operations are checked."""
    begin = before = stream.tell()
    content = stream.getbuffer()
    program = bytearray()
    try:
        for name, argument in _operations(stream):
            # The unpickler allocates a slot for every index up to this one.
            if name == "LONG_BINPUT" and int(str(argument)) > _MOST_BYTES:
                raise CheckpointError(f"its pickle is damaged (memo index {argument})")
            after = stream.tell()
            if after - begin > _MOST_BYTES:
                raise CheckpointError(
                    f"its pickle has more than {_MOST_BYTES} bytes; a table of tensors has fewer"
                )
            if name == "EMPTY_DICT":
                program += _MAKE_TABLE
            elif name != "FRAME":  # a frame's length no longer fits, and the unpickler needs none
                program += content[before:after]
            before = after
    except ValueError as error:
        raise CheckpointError(f"its pickle is damaged or cut short ({error})") from error
    return bytes(program)


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
            yield operation.name, None
        else:
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
    """A dict of the pickle; its attributes (`_metadata` of state dicts) are dropped."""

    def __init__(self, pairs: object = None) -> None:
        """Take the pairs that Python 2 gives to an OrderedDict, if there are any."""
        super().__init__()
        if pairs is None:
            return
        if not isinstance(pairs, list):
            raise CheckpointError(f"its pickle makes a table of {shown(pairs)}")
        for pair in pairs:
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise CheckpointError("its pickle makes a table of something other than pairs")
            self[pair[0]] = pair[1]
        # Otherwise many tables could each copy the same long list.
        pairs.clear()

    def __setitem__(self, key: object, value: object) -> None:
        """Set an entry; raises `CheckpointError` for a key other than text or a number."""
        if type(key) not in (str, int):
            raise CheckpointError(f"its pickle has {shown(key)} as the name of an entry")
        super().__setitem__(key, value)

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
        if not isinstance(dtype, str) or dtype not in _STORAGE_TYPES.values():
            raise CheckpointError("its pickle refers to a storage of no known type")
        if not isinstance(key, str) or len(key) > _MOST_KEY:
            raise CheckpointError(f"its pickle refers to a storage by {shown(key)}")
        if len(pid) == 6 and pid[5] is not None:
            raise CheckpointError(f"its storage {key} is a view of another storage")
        if type(count) is not int or not 0 <= count <= sys.maxsize:
            raise CheckpointError(f"its storage {key} has the length {shown(count)}")
        return StorageKey(key=key, dtype=dtype, length=count)


def _rebuild_tensor(
    storage: object, offset: object, shape: object, strides: object, *_: object
) -> PickledTensor:
    """torch._utils._rebuild_tensor_v2; arrays do not need the arguments after the strides."""
    if not isinstance(storage, StorageKey):
        raise CheckpointError(f"its pickle gives {shown(storage)} as a tensor's storage")
    (start,) = _integers((offset,))
    return PickledTensor(
        storage=storage, offset=start, shape=_integers(shape), strides=_integers(strides)
    )


def _integers(value: object) -> Tuple[int, ...]:
    if not isinstance(value, tuple):
        raise CheckpointError(f"its pickle gives {shown(value)} as a tensor's sizes")
    if len(value) > _MOST_DIMENSIONS:
        raise CheckpointError(f"it has a tensor of {len(value)} dimensions: no valid shape")
    for each in value:
        if type(each) is not int or abs(each) > sys.maxsize:
            raise CheckpointError(f"its pickle gives {shown(each)} as a size of a tensor")
    return value


def _rebuild_parameter(data: object, *_: object) -> PickledTensor:
    """torch._utils._rebuild_parameter: a parameter is its tensor."""
    if not isinstance(data, PickledTensor):
        raise CheckpointError(f"its pickle makes a parameter of {shown(data)}")
    return data


def shown(value: object) -> str:
    """A value of the file for a message: a long text is cut, anything but text and numbers its type."""
    if not isinstance(value, (str, int)):
        return f"a {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


_NAMES: Mapping[Tuple[str, str], object] = {
    ("collections", "OrderedDict"): _Admitted(_Table),
    # torch before 0.4 wrote the first one; the oldest published generators may have it.
    ("torch._utils", "_rebuild_tensor"): _Admitted(_rebuild_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): _Admitted(_rebuild_tensor),
    ("torch._utils", "_rebuild_parameter"): _Admitted(_rebuild_parameter),
    **{("torch", name): dtype for name, dtype in _STORAGE_TYPES.items()},
}
