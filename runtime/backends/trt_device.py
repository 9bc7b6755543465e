"""The CUDA device: its context, its memory, its errors in words."""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from runtime.backends.trt_cuda import Cuda, CudaError, Memory, open_cuda
from runtime.errors import BackendError, BackendUnavailable, DeviceMemoryError
from runtime.spec.graphs import Shape


def import_vendors() -> Tuple[Any, Any]:
    """The module `tensorrt`, and `pycuda.driver` or else `cuda.bindings.driver`.

    Raises `BackendUnavailable` where TensorRT or both of the others are missing.
    """
    try:
        import tensorrt  # type: ignore[import-not-found]

        return tensorrt, _import_cuda()
    except ImportError as error:
        hint = ""
        if "static TLS" in str(error):
            hint = " Start with LD_PRELOAD=/usr/lib/aarch64-linux-gnu/libgomp.so.1."
        raise BackendUnavailable(
            f"TensorRT and pycuda or cuda-python are not both installed ({error}).{hint}"
        ) from error


def _import_cuda() -> Any:
    try:
        import pycuda.driver as cuda  # type: ignore[import-not-found]
    except ImportError as absent:
        try:
            from cuda.bindings import driver as cuda
        except ImportError as error:
            # One that is installed but cannot be loaded is the one to name.
            raise (error if isinstance(absent, ModuleNotFoundError) else absent) from absent
    return cuda


@functools.lru_cache(maxsize=None)
def open_device(module: Any) -> Device:
    """The first device, opened once: on a Jetson a context needs seconds and 200 MB.

    `module` is the second that `import_vendors` returns. Raises `BackendUnavailable` when the driver
    finds no device.
    """
    try:
        cuda = open_cuda(module)
    except CudaError as error:
        raise BackendUnavailable(f"CUDA finds no usable GPU ({error}).") from error
    return Device(cuda)


class Device:
    """A device with one stream and its primary context, which torch uses too."""

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self.name = cuda.name
        self.capability = cuda.capability
        #: The memory of the card, or of the whole board where processor and GPU share it.
        self.memory_mib = cuda.total_memory >> 20
        self._turn = threading.RLock()
        with self.current():
            #: The handle of the stream on which everything is enqueued.
            self.stream = cuda.create_stream()
            self.scratch = Scratch(cuda)

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Make this the calling thread's device, and translate CUDA's errors.

        One thread at a time has it: all engines share the stream and the scratch memory.
        Raises `DeviceMemoryError` when the memory is full, `BackendError` for other errors.
        """
        try:
            with self._turn, self._cuda.current():
                yield
        except self._cuda.full as error:
            raise DeviceMemoryError(
                f"{self.name} has not enough free memory ({error}). Stop other programs that use "
                "its memory, or choose a smaller size."
            ) from error
        except self._cuda.errors as error:
            raise BackendError(f"CUDA failed on {self.name}: {error}") from error

    def buffer(self, shape: Shape) -> Buffer:
        """A float32 tensor that both the processor and the device can access."""
        return Buffer(self._cuda, shape)

    def synchronize(self) -> None:
        """Wait until all that is enqueued is done."""
        self._cuda.synchronize()


class Buffer:
    """Page-locked host memory `array`, and the `address` of it, or of its copy, on the device."""

    def __init__(self, cuda: Cuda, shape: Shape) -> None:
        self._cuda = cuda
        self._copy: Optional[Memory] = None
        host = cuda.allocate_host(shape, mapped=cuda.integrated)
        self.array: np.ndarray = host.array
        self.address = host.address
        if not cuda.integrated:
            self._copy = cuda.allocate(self.array.nbytes)
            self.address = self._copy.address

    def upload(self) -> None:
        """Enqueue the copy to the device."""
        if self._copy is not None:
            self._cuda.upload(self._copy, self.array)

    def download(self) -> None:
        """Enqueue the copy from the device."""
        if self._copy is not None:
            self._cuda.download(self.array, self._copy)


class Scratch:
    """Memory for activations that all engines share, as they never run at the same time.

    It is as large as the largest request, and is freed when its last user leaves.
    """

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self._memory: Optional[Memory] = None
        self._size = 0
        self._users: List[object] = []

    def join(self, user: object, size: int) -> None:
        """Provide at least `size` bytes; `address` may change."""
        if size > self._size:
            old = self._size
            # Freed first: on a Jetson there may be no room for both.
            self._memory = None
            try:
                self._memory = self._cuda.allocate(size)
            except self._cuda.full:
                # The other users still need the old size.
                self._memory = self._cuda.allocate(old) if old else None
                raise
            self._size = size
        self._users.append(user)

    def leave(self, user: object) -> None:
        """Free the memory if `user` was the last one."""
        self._users = [each for each in self._users if each is not user]
        if not self._users:
            self._memory, self._size = None, 0

    @property
    def address(self) -> int:
        """The address on the device; 0 before the first user."""
        return self._memory.address if self._memory else 0
