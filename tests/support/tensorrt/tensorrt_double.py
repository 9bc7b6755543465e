"""A stand-in for `tensorrt` of several generations, whose plans are run by ONNX Runtime.

A plan is a header, with the version that built it, what runs in FP16 and the pins, and the ONNX
file. Each generation has the names of its API only: the tests compare them with the real modules.
"""

from __future__ import annotations

import ctypes
import enum
import types
from typing import Any, Dict, List, Optional

import numpy as np

from tests.support.tensorrt.builder_double import DataType, ILogger, ITensor, Plan, add_builder
from tests.support.tensorrt.cuda_double import Context, Stream

#: The bytes of activation memory that every engine of the double asks for.
SCRATCH = 4096

BINDINGS, NAMED, BUILDING = "bindings", "named tensors", "building with FP16 and pins"

VERSIONS = {
    "8.0.1.6": {BINDINGS, BUILDING},
    "8.4.1.5": {BINDINGS, BUILDING},
    "8.6.1": {BINDINGS, NAMED, BUILDING},
    "10.3.0": {NAMED, BUILDING},
    "11.0.0": {NAMED},
}


class TensorIOMode(enum.Enum):
    NONE, INPUT, OUTPUT = range(3)


class _Engine:
    """The engine without the names of a generation, which `_limited` adds."""

    def __init__(self, module: Any, logger: Any, plan: Plan) -> None:
        import onnx
        import onnxruntime

        self._module, self._logger = module, logger
        model = onnx.load_from_string(plan.model)
        self._inputs = [ITensor(each) for each in model.graph.input]
        self._tensors = self._inputs + [ITensor(each) for each in model.graph.output]
        self._factor = module.half_factor if plan.fp16 else np.float32(1)
        if plan.fp16:
            from tests.support.tensorrt.half import rounded

            pins = set(plan.pins)
            model = rounded(model, lambda name: name in pins)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        # Its rewriting removes pairs of casts, and the rounding with them.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def _enqueue(self, addresses: Dict[str, int], memory: int, stream: int) -> bool:
        gpu = Context.current[-1]
        if memory and not gpu.reaches(memory, SCRATCH):
            self._logger.log(ILogger.ERROR, "the device memory is not valid")
            return False
        for tensor in self._tensors:
            if not gpu.reaches(addresses[tensor.name], 4 * int(np.prod(tensor.shape))):
                self._logger.log(ILogger.ERROR, f"illegal address for {tensor.name}")
                return False
        if self._module.fail_run:
            self._logger.log(ILogger.ERROR, self._module.fail_run)
            return False
        Stream.by_handle[stream].waiting.append(lambda: self._execute(addresses))
        return True

    def _execute(self, addresses: Dict[str, int]) -> None:
        feeds = {each.name: _view(addresses[each.name], each.shape).copy() for each in self._inputs}
        outputs = self._tensors[len(self._inputs) :]
        results = self._session.run([each.name for each in outputs], feeds)
        for tensor, values in zip(outputs, results):
            _view(addresses[tensor.name], tensor.shape)[...] = (
                values * self._module.output_factor * self._factor
            )


def _view(address: int, shape: Any) -> np.ndarray:
    kind = ctypes.c_float * int(np.prod(shape))
    return np.frombuffer(kind.from_address(address), np.float32).reshape(shape)


class NamedContext:
    def __init__(self, engine: _Engine, *, own_memory: bool) -> None:
        self._engine, self._own_memory, self.device_memory = engine, own_memory, 0
        self._addresses: Dict[str, int] = {}

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._addresses[name] = memory
        return not self._engine._module.fail_bind

    def execute_async_v3(self, stream_handle: int) -> bool:
        memory = 0 if self._own_memory else self.device_memory or 1
        return self._engine._enqueue(self._addresses, memory, stream_handle)


class SizedContext(NamedContext):
    def set_device_memory(self, memory: int, size: int) -> None:
        assert size == SCRATCH
        self.device_memory = memory


class NamedEngine(_Engine):
    device_memory_size_v2 = SCRATCH

    @property
    def num_io_tensors(self) -> int:
        return len(self._tensors)

    def get_tensor_name(self, index: int) -> str:
        return self._tensors[index].name

    def _tensor(self, name: str) -> ITensor:
        return next(each for each in self._tensors if each.name == name)

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        is_input = self._tensor(name) in self._inputs
        return TensorIOMode.INPUT if is_input else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> Any:
        return self._tensor(name).shape

    def get_tensor_dtype(self, name: str) -> DataType:
        return self._tensor(name).dtype

    def create_execution_context(self, strategy: str = "STATIC") -> SizedContext:
        return SizedContext(self, own_memory=strategy == "STATIC")


class BindingContext:
    def __init__(self, engine: _Engine, *, own_memory: bool) -> None:
        self._engine, self._own_memory, self.device_memory = engine, own_memory, 0

    def execute_async_v2(self, bindings: List[int], stream_handle: int) -> bool:
        addresses = {each.name: at for each, at in zip(self._engine._tensors, bindings)}
        memory = 0 if self._own_memory else self.device_memory or 1
        return self._engine._enqueue(addresses, memory, stream_handle)


class BindingEngine(_Engine):
    device_memory_size = SCRATCH

    @property
    def num_bindings(self) -> int:
        return len(self._tensors)

    def get_binding_name(self, index: int) -> str:
        return self._tensors[index].name

    def binding_is_input(self, index: int) -> bool:
        return index < len(self._inputs)

    def get_binding_shape(self, index: int) -> Any:
        return self._tensors[index].shape

    def get_binding_dtype(self, index: int) -> DataType:
        return self._tensors[index].dtype

    def create_execution_context(self) -> BindingContext:
        return BindingContext(self, own_memory=True)

    def create_execution_context_without_device_memory(self) -> BindingContext:
        return BindingContext(self, own_memory=False)


class BothContext(NamedContext, BindingContext):
    """That of 8.5 and 8.6: named tensors, and bindings still."""


class BothEngine(NamedEngine, BindingEngine):
    device_memory_size_v2 = property()

    def create_execution_context(self) -> BothContext:
        return BothContext(self, own_memory=True)

    def create_execution_context_without_device_memory(self) -> BothContext:
        return BothContext(self, own_memory=False)


def make_tensorrt(version: str) -> types.ModuleType:
    """A `tensorrt` of this version.

    Faults are set on it: `fail_deserialize`, `fail_run` (messages), `fail_bind`, and
    `output_factor` and `half_factor`, which the outputs of all plans or of FP16 plans are
    multiplied by; those of building are in `builder_double`.
    """
    has = VERSIONS[version]
    module = types.ModuleType("tensorrt")
    vars(module).update(
        __version__=version,
        DataType=DataType,
        ILogger=ILogger,
        init_libnvinfer_plugins=lambda logger, namespace: True,
        fail_deserialize="",
        fail_run="",
        fail_bind=False,
        half_factor=np.float32(1),
        output_factor=np.float32(1),
    )
    engine_class = {True: BothEngine, False: NamedEngine if NAMED in has else BindingEngine}[
        has >= {NAMED, BINDINGS}
    ]

    class Runtime:
        def __init__(self, logger: ILogger) -> None:
            self._logger = logger

        def deserialize_cuda_engine(self, serialized_engine: bytes) -> Optional[_Engine]:
            plan = Plan.parse(bytes(serialized_engine))
            if module.fail_deserialize or plan is None or plan.version != version:
                reason = module.fail_deserialize or "Serialization assertion failed: version tag"
                self._logger.log(ILogger.ERROR, reason)
                return None
            return engine_class(module, self._logger, plan)

    module.Runtime = Runtime
    if NAMED in has:
        module.TensorIOMode = TensorIOMode
        if version.startswith("1"):
            module.ExecutionContextAllocationStrategy = types.SimpleNamespace(
                STATIC="STATIC", USER_MANAGED="USER_MANAGED"
            )
    module.classes = {
        "ICudaEngine": engine_class,
        "IExecutionContext": {BothEngine: BothContext, NamedEngine: SizedContext}.get(
            engine_class, BindingContext
        ),
        "Runtime": Runtime,
        "ITensor": ITensor,
        "ILogger": ILogger,
    }
    add_builder(module, version, can_pin=BUILDING in has)
    return module
