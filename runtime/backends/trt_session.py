"""Runs one TensorRT engine, with either generation of the API.

TensorRT 8.0 to 8.4 have bindings by index and `execute_async_v2`, 10 and 11 have tensors by name and
`execute_async_v3`, 8.5 and 8.6 have both. The code tests for the attributes and not for a version.
The names are those of 8.4.1 and of TensorRT-RTX 1.7, whose API is that of 11.
"""

from __future__ import annotations

import functools
import logging
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

import numpy as np

from runtime.backends.trt_device import Buffer, Device
from runtime.backends.trt_plan import CURE
from runtime.errors import BackendError, DeviceMemoryError, GraphMismatch, StaleEngine
from runtime.spec.graphs import Shape

_log = logging.getLogger(__name__)


class Tensor(NamedTuple):
    """An engine's input or output."""

    name: str
    is_input: bool
    shape: Shape


class Session:
    """An engine with its context and buffers; `run` takes and returns float32 arrays by name."""

    def __init__(self, trt: Any, device: Device, plan: bytes, what: str) -> None:
        """Load `plan`; `what` names it in messages.

        Raises `StaleEngine` when TensorRT refuses it, `GraphMismatch` for tensors of another type
        than float32, `DeviceMemoryError` or another `BackendError` when the device fails.
        """
        self._what = what
        self._device = device
        self._logger = logger_of(trt)
        self._logger.forget()
        with device.current():
            try:
                self._load(trt, plan)
            except BaseException:
                self._free()
                raise

    def _load(self, trt: Any, plan: bytes) -> None:
        self._engine = self._context = None
        self._buffers: Dict[str, Buffer] = {}
        # Without its libraries loaded a plan with plugins cannot be read.
        trt.init_libnvinfer_plugins(self._logger, "")
        self._runtime = trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            self._raise("TensorRT refuses it", StaleEngine, CURE)
        self._context, self._scratch_bytes = _create_context(trt, self._engine)
        if self._context is None:
            self._raise("TensorRT creates no execution context", BackendError)
        if self._scratch_bytes:
            self._device.scratch.join(self, self._scratch_bytes)
        api = _NamedTensors if hasattr(self._context, "execute_async_v3") else _Bindings
        self._api = api(trt, self._engine, self._context, self._what)
        self.tensors = tuple(self._api.tensors())
        self._buffers = {each.name: self._device.buffer(each.shape) for each in self.tensors}
        self._api.bind({name: buffer.address for name, buffer in self._buffers.items()})

    def run(self, feeds: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
        """Run the engine once on float32 arrays of its inputs' shapes.

        The results are copies. Raises `DeviceMemoryError` or another `BackendError`.
        """
        self._logger.forget()
        with self._device.current():
            if self._scratch_bytes:
                # Another engine may have enlarged it, which moves it.
                _set_memory(self._context, self._device.scratch.address, self._scratch_bytes)
            for tensor in self.tensors:
                if tensor.is_input:
                    np.copyto(self._buffers[tensor.name].array, feeds[tensor.name])
                    self._buffers[tensor.name].upload()
            started = self._api.execute(self._device.stream)
            outputs = [each.name for each in self.tensors if not each.is_input]
            if started:
                for name in outputs:
                    self._buffers[name].download()
            # After a failure too: no copy may still run when the memory is freed.
            self._device.synchronize()
            if not started:
                self._raise("TensorRT could not run it", BackendError)
            return {name: self._buffers[name].array.copy() for name in outputs}

    def close(self) -> None:
        """Free the engine and its memory."""
        with self._device.current():
            self._free()

    def _free(self) -> None:
        # The engine must outlive its context, and the runtime both.
        self._api = self._context = None  # type: ignore[assignment]
        self._buffers = {}
        self._device.scratch.leave(self)
        self._engine = None
        self._runtime = None

    def _raise(self, what: str, kind: type, advice: str = "") -> None:
        said = self._logger.last()
        if "out of memory" in said.lower() or "outofmemory" in said.lower():
            kind, advice = DeviceMemoryError, "Stop other programs that use the GPU's memory."
        raise kind(f"{self._what}: {what}{': ' + said if said else ''}. {advice}".rstrip())


class _NamedTensors:
    """Tensors by name: TensorRT 8.5 and later."""

    def __init__(self, trt: Any, engine: Any, context: Any, what: str) -> None:
        self._trt, self._engine, self._context, self._what = trt, engine, context, what

    def tensors(self) -> List[Tensor]:
        engine = self._engine
        found = []
        for name in (engine.get_tensor_name(index) for index in range(engine.num_io_tensors)):
            _check_float(self._trt, engine.get_tensor_dtype(name), name, self._what)
            is_input = engine.get_tensor_mode(name) == self._trt.TensorIOMode.INPUT
            found.append(Tensor(name, is_input, tuple(engine.get_tensor_shape(name))))
        return found

    def bind(self, addresses: Mapping[str, int]) -> None:
        for name, address in addresses.items():
            if not self._context.set_tensor_address(name, address):
                raise BackendError(f"{self._what}: TensorRT refuses the buffer of {name}.")

    def execute(self, stream: int) -> bool:
        return bool(self._context.execute_async_v3(stream))


class _Bindings:
    """Tensors by index: TensorRT 8.0 to 8.6."""

    def __init__(self, trt: Any, engine: Any, context: Any, what: str) -> None:
        self._trt, self._engine, self._context, self._what = trt, engine, context, what
        self._addresses: List[int] = []

    def tensors(self) -> List[Tensor]:
        engine = self._engine
        found = []
        for index in range(engine.num_bindings):
            name = engine.get_binding_name(index)
            _check_float(self._trt, engine.get_binding_dtype(index), name, self._what)
            shape = tuple(engine.get_binding_shape(index))
            found.append(Tensor(name, bool(engine.binding_is_input(index)), shape))
        return found

    def bind(self, addresses: Mapping[str, int]) -> None:
        names = [self._engine.get_binding_name(i) for i in range(self._engine.num_bindings)]
        self._addresses = [addresses[name] for name in names]

    def execute(self, stream: int) -> bool:
        return bool(self._context.execute_async_v2(self._addresses, stream))


def _check_float(trt: Any, dtype: Any, name: str, what: str) -> None:
    if dtype != trt.DataType.FLOAT:
        raise GraphMismatch(f"{what}: {name} is {dtype}, expected float32. {CURE}")


def _create_context(trt: Any, engine: Any) -> Tuple[Any, int]:
    """A context and the bytes of device memory that it must be given; 0 if it has its own."""
    size = _memory_size(engine)
    if size:
        strategy = getattr(trt, "ExecutionContextAllocationStrategy", None)
        if strategy is not None:
            return engine.create_execution_context(strategy.USER_MANAGED), size
        if hasattr(engine, "create_execution_context_without_device_memory"):
            return engine.create_execution_context_without_device_memory(), size
    return engine.create_execution_context(), 0


def _memory_size(engine: Any) -> int:
    for name in ("device_memory_size_v2", "device_memory_size"):
        if hasattr(engine, name):
            return int(getattr(engine, name))
    return 0


def _set_memory(context: Any, address: int, size: int) -> None:
    if hasattr(context, "set_device_memory"):
        context.set_device_memory(address, size)
    else:
        context.device_memory = address


@functools.lru_cache(maxsize=None)
def logger_of(trt: Any) -> Any:
    """The logger of all TensorRT objects, which it must outlive.

    Its `last()` is the last error since `forget()`, or an empty text.
    """

    class Logger(trt.ILogger):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            # Not `super()`, which some versions of the bindings do not support.
            trt.ILogger.__init__(self)
            self._errors: List[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self._errors.append(message.strip())
                _log.error("TensorRT: %s", message)
            elif severity == trt.ILogger.WARNING:
                _log.debug("TensorRT: %s", message)

        def last(self) -> str:
            return self._errors[-1] if self._errors else ""

        def forget(self) -> None:
            self._errors.clear()

    return Logger()
