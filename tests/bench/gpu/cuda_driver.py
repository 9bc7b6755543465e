"""CUDA's own library through ctypes: is there a GPU, and how much of its memory a part takes.

Without torch, without pycuda: a part that has neither of them shall be measured like the others.
The names are those of the CUDA driver API, chapters 6.2, 6.5, 6.7 and 6.13.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
from dataclasses import dataclass
from typing import Any, Iterator, Optional

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_POLL_S = 0.01
_NAME_BYTES = 256


class DriverError(Exception):
    """There is no usable GPU; the message says why."""


@dataclass
class Memory:
    """MiB that were taken at the most, beside the bare context."""

    peak_mib: float = 0.0


class Driver:
    """The first CUDA device."""

    def __init__(self, library: Optional[Any] = None) -> None:
        """Open the device; `library` is for tests. Raises `DriverError` when there is none."""
        self._library = library or _load()
        self._call("cuInit", 0)
        count = ctypes.c_int()
        self._call("cuDeviceGetCount", ctypes.byref(count))
        if not count.value:
            raise DriverError("NVIDIA's driver finds no GPU.")
        self._device = ctypes.c_int()
        self._call("cuDeviceGet", ctypes.byref(self._device), 0)
        name = ctypes.create_string_buffer(_NAME_BYTES)
        self._call("cuDeviceGetName", name, _NAME_BYTES, self._device)
        self.name = name.value.decode(errors="replace")

    @contextlib.contextmanager
    def watched(self) -> Iterator[Memory]:
        """Ask for the device's free memory all the while, and keep the least of it.

        Other programs on the device count too. The context is the one that torch and the `trt`
        backend share, so that it is there before the first question.
        """
        context = ctypes.c_void_p()
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self._device)
        memory, before = Memory(), self._used_mib(context)
        stop = threading.Event()

        def poll() -> None:
            while not stop.wait(_POLL_S):
                look()

        def look() -> None:
            memory.peak_mib = max(memory.peak_mib, self._used_mib(context) - before)

        thread = threading.Thread(target=poll, name="memory", daemon=True)
        thread.start()
        try:
            yield memory
            look()
        finally:
            stop.set()
            thread.join()
            self._call("cuDevicePrimaryCtxRelease", self._device)

    def _used_mib(self, context: Any) -> float:
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self._call("cuCtxPushCurrent_v2", context)
        try:
            self._call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        finally:
            self._call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))
        return (total.value - free.value) / 2**20

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            raise DriverError(f"NVIDIA's driver answers {name} with the error {code}.")


def _load() -> Any:
    try:
        return ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise DriverError(f"NVIDIA's driver is not installed ({error}).") from error
