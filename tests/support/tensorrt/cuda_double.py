"""A stand-in for `pycuda.driver`: memory that counts, streams that wait, a context to be pushed.

Nothing that is enqueued happens before the stream is synchronised, device memory is real memory
at real addresses, and what touches it without a pushed context fails, as on a GPU.
"""

from __future__ import annotations

import ctypes
import types
from typing import Any, Callable, ClassVar, Dict, List, Tuple

import numpy as np


class Error(Exception):
    pass


class CudaMemoryError(Error):
    pass


class LogicError(Error):
    pass


class Gpu:
    """One device: its live allocations by address, and how often anything was copied."""

    def __init__(self, *, memory: int, integrated: bool) -> None:
        self.memory = memory
        self.integrated = integrated
        self.live: Dict[int, int] = {}
        self.stack = 0
        self.copies = 0

    def check_context(self) -> None:
        if self.stack < 1:
            raise LogicError("invalid device context")

    def reaches(self, address: int, size: int) -> bool:
        return any(at <= address and address + size <= at + of for at, of in self.live.items())

    def take(self, size: int) -> Tuple[np.ndarray, int]:
        self.check_context()
        if sum(self.live.values()) + size > self.memory:
            raise CudaMemoryError("cuMemAlloc failed: out of memory")
        block = np.full(size, 0xCD, np.uint8)
        self.live[block.ctypes.data] = size
        return block, block.ctypes.data


class DeviceAllocation:
    def __init__(self, gpu: Gpu, size: int) -> None:
        self._gpu = gpu
        self._block, self._address = gpu.take(size)

    def __int__(self) -> int:
        return self._address

    def __del__(self) -> None:
        self._gpu.live.pop(getattr(self, "_address", None), None)


class HostAllocation:
    """What lies behind a page-locked array; the device reaches it only when it is mapped."""

    def __init__(self, gpu: Gpu, shape: Tuple[int, ...], dtype: Any, *, mapped: bool) -> None:
        gpu.check_context()
        self._gpu, self._mapped = gpu, mapped
        self._array = np.full(shape, np.nan, dtype)
        self.__array_interface__ = self._array.__array_interface__
        if mapped:
            gpu.live[self._array.ctypes.data] = self._array.nbytes

    def get_device_pointer(self) -> int:
        if not self._mapped:
            raise LogicError("not mapped")
        return self._array.ctypes.data

    def __del__(self) -> None:
        if self._mapped:
            self._gpu.live.pop(self._array.ctypes.data, None)


class Stream:
    by_handle: ClassVar[Dict[int, Stream]] = {}

    def __init__(self) -> None:
        self.handle = id(self)
        self.waiting: List[Callable[[], None]] = []
        Stream.by_handle[self.handle] = self

    def synchronize(self) -> None:
        waiting, self.waiting = self.waiting, []
        for work in waiting:
            work()


class _Handle:
    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu

    def name(self) -> str:
        return "NVIDIA Tegra X1"

    def compute_capability(self) -> Tuple[int, int]:
        return (5, 3)

    def total_memory(self) -> int:
        return self._gpu.memory

    def get_attribute(self, attribute: str) -> int:
        return int(self._gpu.integrated) if attribute == "INTEGRATED" else 1

    def retain_primary_context(self) -> Context:
        return Context(self._gpu)


class Context:
    current: ClassVar[List[Gpu]] = []

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu

    def push(self) -> None:
        self._gpu.stack += 1
        Context.current.append(self._gpu)

    @staticmethod
    def pop() -> None:
        Context.current.pop().stack -= 1


def make_cuda(
    *, memory: int = 1 << 30, integrated: bool = False, devices: int = 1
) -> types.ModuleType:
    """A `pycuda.driver` of its own, with its device as `.gpu`."""
    gpu = Gpu(memory=memory, integrated=integrated)

    def init() -> None:
        if not devices:
            raise Error("cuInit failed: no CUDA-capable device is detected")

    def pagelocked_empty(shape: Any, dtype: Any, order: str = "C", mem_flags: int = 0) -> Any:
        return np.asarray(HostAllocation(gpu, shape, dtype, mapped=bool(mem_flags)))

    def memcpy_htod_async(dest: Any, src: np.ndarray, stream: Stream) -> None:
        gpu.check_context()
        gpu.copies += 1
        stream.waiting.append(lambda: move(int(dest), src.ctypes.data, src.nbytes))

    def memcpy_dtoh_async(dest: np.ndarray, src: Any, stream: Stream) -> None:
        gpu.check_context()
        gpu.copies += 1
        stream.waiting.append(lambda: move(dest.ctypes.data, int(src), dest.nbytes))

    module = types.ModuleType("pycuda.driver")
    vars(module).update(
        gpu=gpu,
        init=init,
        Device=lambda index: _Handle(gpu),
        Context=Context,
        Stream=Stream,
        Error=Error,
        MemoryError=CudaMemoryError,
        LogicError=LogicError,
        mem_alloc=lambda size: DeviceAllocation(gpu, size),
        pagelocked_empty=pagelocked_empty,
        memcpy_htod_async=memcpy_htod_async,
        memcpy_dtoh_async=memcpy_dtoh_async,
        host_alloc_flags=types.SimpleNamespace(DEVICEMAP=2),
        device_attribute=types.SimpleNamespace(
            INTEGRATED="INTEGRATED", CAN_MAP_HOST_MEMORY="CAN_MAP_HOST_MEMORY"
        ),
    )
    return module


def move(dest: int, src: int, size: int) -> None:
    ctypes.memmove(dest, src, size)
