"""The CUDA device through pycuda: its context, its memory, its errors."""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import Any, Iterator, List, Tuple

import numpy as np

from runtime.errors import BackendError, BackendUnavailable, DeviceMemoryError
from runtime.spec.graphs import Shape


def import_vendors() -> Tuple[Any, Any]:
    """The modules `tensorrt` and `pycuda.driver`; raises `BackendUnavailable` without them."""
    try:
        import pycuda.driver as cuda  # type: ignore[import-not-found]
        import tensorrt  # type: ignore[import-not-found]
    except ImportError as error:
        hint = ""
        if "static TLS" in str(error):
            hint = " Start with LD_PRELOAD=/usr/lib/aarch64-linux-gnu/libgomp.so.1."
        raise BackendUnavailable(
            f"TensorRT and pycuda are not both installed ({error}).{hint}"
        ) from error
    return tensorrt, cuda


@functools.lru_cache(maxsize=None)
def open_device(cuda: Any) -> Device:
    """The first device, opened once: on a Jetson a context needs seconds and 200 MB.

    Raises `BackendUnavailable` when the driver finds none.
    """
    try:
        cuda.init()
        return Device(cuda, cuda.Device(0))
    except cuda.Error as error:
        raise BackendUnavailable(f"CUDA finds no usable GPU ({error}).") from error


class Device:
    """A device with one stream and its primary context, which torch uses too."""

    def __init__(self, cuda: Any, handle: Any) -> None:
        self._cuda = cuda
        self.name = str(handle.name())
        self.capability = "{}.{}".format(*handle.compute_capability())
        #: The memory of the card, or of the whole board where processor and GPU share it.
        self.memory_mib = int(handle.total_memory()) >> 20
        #: Processor and GPU share the memory, so that nothing need be copied.
        self.integrated = bool(handle.get_attribute(cuda.device_attribute.INTEGRATED)) and bool(
            handle.get_attribute(cuda.device_attribute.CAN_MAP_HOST_MEMORY)
        )
        self._context = handle.retain_primary_context()
        self._turn = threading.RLock()
        with self.current():
            self.stream = cuda.Stream()
            self.scratch = Scratch(cuda)

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Make this the calling thread's device, and translate CUDA's errors.

        One thread at a time has it: all engines share the stream and the scratch memory.
        Raises `DeviceMemoryError` when the memory is full, `BackendError` for other errors.
        """
        cuda = self._cuda
        with self._turn:
            self._context.push()
            try:
                yield
            except (cuda.MemoryError, MemoryError) as error:
                raise DeviceMemoryError(
                    f"{self.name} has not enough free memory ({error}). Stop other programs that "
                    "use its memory, or choose a smaller size."
                ) from error
            except cuda.Error as error:
                raise BackendError(f"CUDA failed on {self.name}: {error}") from error
            finally:
                cuda.Context.pop()

    def buffer(self, shape: Shape) -> Buffer:
        """A float32 tensor that both the processor and the device can access."""
        return Buffer(self._cuda, shape, mapped=self.integrated)


class Buffer:
    """Page-locked host memory `array`, and the `address` of it, or of its copy, on the device."""

    def __init__(self, cuda: Any, shape: Shape, *, mapped: bool) -> None:
        self._cuda = cuda
        self._copy = None
        flags = cuda.host_alloc_flags.DEVICEMAP if mapped else 0
        self.array: np.ndarray = cuda.pagelocked_empty(shape, np.float32, mem_flags=flags)
        if mapped:
            self.address = int(self.array.base.get_device_pointer())  # type: ignore[union-attr]
        else:
            self._copy = cuda.mem_alloc(self.array.nbytes)
            self.address = int(self._copy)

    def upload(self, stream: Any) -> None:
        """Enqueue the copy to the device."""
        if self._copy is not None:
            self._cuda.memcpy_htod_async(self._copy, self.array, stream)

    def download(self, stream: Any) -> None:
        """Enqueue the copy from the device."""
        if self._copy is not None:
            self._cuda.memcpy_dtoh_async(self.array, self._copy, stream)


class Scratch:
    """Memory for activations that all engines share, as they never run at the same time.

    It is as large as the largest request, and is freed when its last user leaves.
    """

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda
        self._memory: Any = None
        self._size = 0
        self._users: List[object] = []

    def join(self, user: object, size: int) -> None:
        """Provide at least `size` bytes; `address` may change."""
        if size > self._size:
            old = self._size
            # Freed first: on a Jetson there may be no room for both.
            self._memory = None
            try:
                self._memory = self._cuda.mem_alloc(size)
            except self._cuda.MemoryError:
                # The other users still need the old size.
                self._memory = self._cuda.mem_alloc(old) if old else None
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
        """The address on the device."""
        return int(self._memory)
