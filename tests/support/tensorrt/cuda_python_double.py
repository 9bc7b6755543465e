"""A stand-in for `cuda.bindings.driver`, on the same GPU as the stand-in for pycuda.

Its functions raise nothing: they return a code, and behind it what they give.
"""

from __future__ import annotations

import enum
import functools
import types
from typing import Any, Callable, Dict, Tuple

import numpy as np

from tests.support.tensorrt.cuda_double import (
    Context,
    CudaMemoryError,
    Gpu,
    LogicError,
    Stream,
    move,
)


class CUresult(enum.IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_NO_DEVICE = 100
    CUDA_ERROR_INVALID_CONTEXT = 201


class CUdevice_attribute(enum.IntEnum):
    CU_DEVICE_ATTRIBUTE_INTEGRATED = 18
    CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY = 19
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76


class Handle:
    """An opaque object of the module, such as CUdeviceptr."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __int__(self) -> int:
        return self._value


def _coded(function: Callable[..., Any]) -> Callable[..., Tuple[Any, ...]]:
    @functools.wraps(function)
    def call(*arguments: Any) -> Tuple[Any, ...]:
        try:
            result = function(*arguments)
        except CudaMemoryError:
            return CUresult.CUDA_ERROR_OUT_OF_MEMORY, None
        except LogicError:
            return CUresult.CUDA_ERROR_INVALID_CONTEXT, None
        return (CUresult.CUDA_SUCCESS,) if result is None else (CUresult.CUDA_SUCCESS, result)

    return call


def make_cuda_python(
    *, memory: int = 1 << 30, integrated: bool = False, devices: int = 1, driver: bool = True
) -> types.ModuleType:
    """A `cuda.bindings.driver` of its own, with its device as `.gpu`; perhaps without libcuda."""
    gpu = Gpu(memory=memory, integrated=integrated)
    blocks: Dict[int, np.ndarray] = {}
    values = {18: int(integrated), 19: 1, 75: 8, 76: 7}

    def cuInit(Flags: int) -> Tuple[Any, ...]:
        if not driver:
            raise RuntimeError("Failed to dlopen libcuda.so.1")
        return (CUresult.CUDA_SUCCESS if devices else CUresult.CUDA_ERROR_NO_DEVICE,)

    def cuGetErrorString(error: CUresult) -> Tuple[Any, ...]:
        names = {CUresult.CUDA_ERROR_OUT_OF_MEMORY: b"out of memory"}
        names[CUresult.CUDA_ERROR_NO_DEVICE] = b"no CUDA-capable device is detected"
        return CUresult.CUDA_SUCCESS, names.get(error)

    def cuCtxPushCurrent(ctx: Context) -> None:
        ctx.push()

    def cuCtxPopCurrent() -> Context:
        Context.pop()
        return Context(gpu)

    def cuStreamCreate(Flags: int) -> Handle:
        return Handle(Stream().handle)

    def cuStreamSynchronize(hStream: Handle) -> None:
        Stream.by_handle[int(hStream)].synchronize()

    def cuMemAlloc(bytesize: int) -> Handle:
        block, address = gpu.take(bytesize)
        blocks[address] = block
        return Handle(address)

    def cuMemFree(dptr: Handle) -> None:
        gpu.check_context()
        del gpu.live[int(dptr)], blocks[int(dptr)]

    def cuMemHostAlloc(bytesize: int, Flags: int) -> int:
        gpu.check_context()
        block = np.full(bytesize, 0xCD, np.uint8)
        address = block.ctypes.data
        blocks[address] = block
        if Flags & CU_MEMHOSTALLOC_DEVICEMAP:
            gpu.live[address] = bytesize
        return address

    def cuMemHostGetDevicePointer(p: int, Flags: int) -> Handle:
        assert p in gpu.live
        return Handle(p)

    def cuMemFreeHost(p: int) -> None:
        gpu.check_context()
        gpu.live.pop(p, None)
        del blocks[p]

    def cuMemcpyHtoDAsync(dstDevice: int, srcHost: int, ByteCount: int, hStream: Handle) -> None:
        copy(dstDevice, srcHost, ByteCount, hStream)

    def cuMemcpyDtoHAsync(dstHost: int, srcDevice: int, ByteCount: int, hStream: Handle) -> None:
        copy(dstHost, srcDevice, ByteCount, hStream)

    def copy(to: int, source: int, size: int, stream: Handle) -> None:
        gpu.check_context()
        gpu.copies += 1
        Stream.by_handle[int(stream)].waiting.append(lambda: move(to, source, size))

    def cuDeviceGet(ordinal: int) -> Handle:
        return Handle(ordinal)

    def cuDeviceGetName(length: int, dev: Handle) -> bytes:
        return b"NVIDIA GeForce RTX 4060".ljust(length, b"\0")

    def cuDeviceTotalMem(dev: Handle) -> int:
        return gpu.memory

    def cuDeviceGetAttribute(attrib: CUdevice_attribute, dev: Handle) -> int:
        return values[attrib]

    def cuDevicePrimaryCtxRetain(dev: Handle) -> Context:
        return Context(gpu)

    module = types.ModuleType("cuda.bindings.driver")
    coded = (
        cuDeviceGet, cuDeviceGetName, cuDeviceTotalMem, cuDeviceGetAttribute,
        cuDevicePrimaryCtxRetain, cuCtxPushCurrent, cuCtxPopCurrent, cuStreamCreate,
        cuStreamSynchronize, cuMemAlloc, cuMemFree, cuMemHostAlloc, cuMemHostGetDevicePointer,
        cuMemFreeHost, cuMemcpyHtoDAsync, cuMemcpyDtoHAsync,
    )  # fmt: skip
    vars(module).update({each.__name__: _coded(each) for each in coded})
    vars(module).update(
        gpu=gpu,
        cuInit=cuInit,
        cuGetErrorString=cuGetErrorString,
        CUresult=CUresult,
        CUdevice_attribute=CUdevice_attribute,
        CU_MEMHOSTALLOC_DEVICEMAP=CU_MEMHOSTALLOC_DEVICEMAP,
    )
    return module


CU_MEMHOSTALLOC_DEVICEMAP = 2
