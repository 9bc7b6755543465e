"""What the TensorRT backend needs of a CUDA device, through pycuda or through cuda-python.

pycuda is compiled for the CUDA at hand and drives the oldest, 10.2; cuda-python comes as a wheel and
drives CUDA 12 and 13. The functions are those of the CUDA driver API, sections 6.2 to 6.18.
"""

from __future__ import annotations

import abc
import contextlib
import ctypes
import logging
import weakref
from typing import Any, Iterator, Tuple, Type

import numpy as np

from runtime.spec.graphs import Shape

_log = logging.getLogger(__name__)


class CudaError(Exception):
    """A CUDA driver function failed; the message has its name and what the driver says."""


class CudaOutOfMemory(CudaError):
    """The device or the board has not enough free memory."""


class Memory:
    """Memory that the device reaches at `address`; it is freed with the object."""

    def __init__(self, address: int, owner: object = None) -> None:
        self.address = address
        self._owner = owner


class HostMemory:
    """Page-locked memory: the float32 `array`; `address` is for the device, 0 if it is not mapped."""

    def __init__(self, array: np.ndarray, address: int) -> None:
        self.array = array
        self.address = address


class Cuda(abc.ABC):
    """The first CUDA device. All methods but `current` need a context that is current."""

    #: The exceptions for a full memory, and for every error of the driver.
    full: Tuple[Type[Exception], ...]
    errors: Tuple[Type[Exception], ...]

    name: str
    #: The compute capability, such as "8.6".
    capability: str
    #: In bytes: of the card, or of the board where processor and GPU share it.
    total_memory: int
    #: Processor and GPU share the memory, so that nothing need be copied.
    integrated: bool

    @abc.abstractmethod
    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Make the device's primary context, which torch uses too, the calling thread's."""

    @abc.abstractmethod
    def create_stream(self) -> int:
        """The handle of a new stream, on which all copies are enqueued."""

    @abc.abstractmethod
    def synchronize(self) -> None:
        """Wait until the stream has done its work."""

    @abc.abstractmethod
    def allocate(self, size: int) -> Memory:
        """`size` bytes on the device."""

    @abc.abstractmethod
    def allocate_host(self, shape: Shape, *, mapped: bool) -> HostMemory:
        """A page-locked float32 array, which the device can access if it is `mapped`."""

    @abc.abstractmethod
    def upload(self, memory: Memory, array: np.ndarray) -> None:
        """Enqueue the copy of `array`, which is page-locked, to the device."""

    @abc.abstractmethod
    def download(self, array: np.ndarray, memory: Memory) -> None:
        """Enqueue the copy of `memory` into `array`, which is page-locked."""


def open_cuda(module: Any) -> Cuda:
    """The first device, through `pycuda.driver` or `cuda.bindings.driver`.

    Raises `CudaError` when the module finds no device.
    """
    return _PyCuda(module) if hasattr(module, "pagelocked_empty") else _CudaPython(module)


class _PyCuda(Cuda):
    """Through `pycuda.driver`, whose functions raise an exception when they fail."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.errors = (driver.Error,)
        self.full = (driver.MemoryError, MemoryError)
        try:
            driver.init()
            self._open(driver.Device(0))
        except driver.Error as error:
            raise CudaError(str(error)) from error

    def _open(self, handle: Any) -> None:
        attribute = self._driver.device_attribute
        self.name = str(handle.name())
        self.capability = "{}.{}".format(*handle.compute_capability())
        self.total_memory = int(handle.total_memory())
        self.integrated = all(
            handle.get_attribute(each)
            for each in (attribute.INTEGRATED, attribute.CAN_MAP_HOST_MEMORY)
        )
        self._context = handle.retain_primary_context()

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        self._context.push()
        try:
            yield
        finally:
            self._driver.Context.pop()

    def create_stream(self) -> int:
        self._stream = self._driver.Stream()
        return int(self._stream.handle)

    def synchronize(self) -> None:
        self._stream.synchronize()

    def allocate(self, size: int) -> Memory:
        allocation = self._driver.mem_alloc(size)
        return Memory(int(allocation), allocation)

    def allocate_host(self, shape: Shape, *, mapped: bool) -> HostMemory:
        flags = self._driver.host_alloc_flags.DEVICEMAP if mapped else 0
        array = self._driver.pagelocked_empty(shape, np.float32, mem_flags=flags)
        return HostMemory(array, int(array.base.get_device_pointer()) if mapped else 0)

    def upload(self, memory: Memory, array: np.ndarray) -> None:
        self._driver.memcpy_htod_async(memory.address, array, self._stream)

    def download(self, array: np.ndarray, memory: Memory) -> None:
        self._driver.memcpy_dtoh_async(array, memory.address, self._stream)


class _CudaPython(Cuda):
    """Through `cuda.bindings.driver`, whose functions return an error code before their results."""

    errors = (CudaError,)
    full = (CudaOutOfMemory, MemoryError)

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        try:
            self._call("cuInit", 0)
        except RuntimeError as error:
            # The module looks for libcuda, and for functions of CUDA 12 in it, at the first call.
            raise CudaError(f"NVIDIA's driver is not installed, or too old: {error}") from error
        device = self._call("cuDeviceGet", 0)
        name: bytes = self._call("cuDeviceGetName", 256, device)
        self.name = name.split(b"\0", 1)[0].decode(errors="replace")
        attributes = driver.CUdevice_attribute

        def attribute(of: str) -> int:
            name = getattr(attributes, f"CU_DEVICE_ATTRIBUTE_{of}")
            return int(self._call("cuDeviceGetAttribute", name, device))

        self.capability = "{}.{}".format(
            *(attribute(f"COMPUTE_CAPABILITY_{part}") for part in ("MAJOR", "MINOR"))
        )
        self.total_memory = int(self._call("cuDeviceTotalMem", device))
        self.integrated = bool(attribute("INTEGRATED") and attribute("CAN_MAP_HOST_MEMORY"))
        self._context = self._call("cuDevicePrimaryCtxRetain", device)

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        self._call("cuCtxPushCurrent", self._context)
        try:
            yield
        finally:
            self._call("cuCtxPopCurrent")

    def create_stream(self) -> int:
        self._stream = self._call("cuStreamCreate", 0)
        return int(self._stream)

    def synchronize(self) -> None:
        self._call("cuStreamSynchronize", self._stream)

    def allocate(self, size: int) -> Memory:
        pointer = self._call("cuMemAlloc", size)
        memory = Memory(int(pointer))
        weakref.finalize(memory, self._free, "cuMemFree", pointer)
        return memory

    def allocate_host(self, shape: Shape, *, mapped: bool) -> HostMemory:
        count = int(np.prod(shape))
        flags = self._driver.CU_MEMHOSTALLOC_DEVICEMAP if mapped else 0
        pointer = self._call("cuMemHostAlloc", count * np.dtype(np.float32).itemsize, flags)
        block: Any = (ctypes.c_float * count).from_address(int(pointer))
        # Every array made of it keeps the block alive.
        weakref.finalize(block, self._free, "cuMemFreeHost", pointer)
        array: np.ndarray = np.frombuffer(block, np.float32).reshape(shape)
        address = self._call("cuMemHostGetDevicePointer", pointer, 0) if mapped else 0
        return HostMemory(array, int(address))

    def upload(self, memory: Memory, array: np.ndarray) -> None:
        self._call(
            "cuMemcpyHtoDAsync", memory.address, array.ctypes.data, array.nbytes, self._stream
        )

    def download(self, array: np.ndarray, memory: Memory) -> None:
        self._call(
            "cuMemcpyDtoHAsync", array.ctypes.data, memory.address, array.nbytes, self._stream
        )

    def _call(self, name: str, *arguments: Any) -> Any:
        """The result of a driver function; raises `CudaError` or `CudaOutOfMemory`."""
        driver = self._driver
        code, *results = getattr(driver, name)(*arguments)
        if code != driver.CUresult.CUDA_SUCCESS:
            _, said = driver.cuGetErrorString(code)
            full = code == driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY
            # A driver that is older than the module does not know each code.
            reason = said.decode(errors="replace") if said else f"error {int(code)}"
            raise (CudaOutOfMemory if full else CudaError)(f"{name} failed: {reason}")
        return results[0] if results else None

    def _free(self, function: str, pointer: Any) -> None:
        try:
            with self.current():
                self._call(function, pointer)
        except CudaError as error:
            # Nobody waits for it; after a fault of the device no memory can be freed.
            _log.warning("CUDA on %s: %s", self.name, error)
