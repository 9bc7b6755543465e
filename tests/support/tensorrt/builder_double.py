"""The building half of the stand-in for `tensorrt`: network, parser, configuration, timing cache.

It refuses what TensorRT refuses: sizes that are not fixed, types set on a layer of truth values, no
workspace, a timing cache of another version. Pins without the flag that makes them binding are lost.
"""

from __future__ import annotations

import enum
import json
import os
import signal
import types
from typing import TYPE_CHECKING, Any, List, Optional, Set

if TYPE_CHECKING:
    import onnx

MAGIC = b"plan\0"


class DataType(enum.Enum):
    FLOAT, HALF, INT32, BOOL = range(4)


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    def __init__(self) -> None:
        pass


#: By onnx.TensorProto's numbers: FLOAT, FLOAT16, INT64, BOOL. A process that only asks what is
#: installed imports no onnx, which takes longer than all the rest of it.
_TYPES = {1: DataType.FLOAT, 10: DataType.HALF, 7: DataType.INT32, 9: DataType.BOOL}
_FLOAT16 = 10


class Plan:
    """What a plan's bytes say."""

    def __init__(self, version: str, fp16: bool, pins: List[str], model: bytes) -> None:
        self.version, self.fp16, self.pins, self.model = version, fp16, pins, model

    def __bytes__(self) -> bytes:
        header = json.dumps([self.version, self.fp16, self.pins, len(self.model)]).encode()
        return MAGIC + header + b"\0" + self.model

    @classmethod
    def parse(cls, data: bytes) -> Optional[Plan]:
        if not data.startswith(MAGIC):
            return None
        header, _, model = data[len(MAGIC) :].partition(b"\0")
        version, fp16, pins, size = json.loads(header)
        return cls(version, fp16, pins, model) if len(model) == size else None


class ITensor:
    __slots__ = ("dtype", "is_shape_tensor", "name", "shape")

    def __init__(self, info: onnx.ValueInfoProto) -> None:
        self.name = info.name
        self.dtype = _TYPES[info.type.tensor_type.elem_type]
        self.shape = tuple(each.dim_value for each in info.type.tensor_type.shape.dim)
        self.is_shape_tensor = self.dtype == DataType.INT32 and len(self.shape) < 2


class ILayer:
    """A layer of a typed generation: its precision is its values'."""

    __slots__ = ("_inputs", "_outputs", "name")

    def __init__(self, name: str, inputs: List[ITensor], outputs: List[ITensor]) -> None:
        self.name, self._inputs, self._outputs = name, inputs, outputs

    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    @property
    def num_outputs(self) -> int:
        return len(self._outputs)

    def get_input(self, index: int) -> ITensor:
        return self._inputs[index]

    def get_output(self, index: int) -> ITensor:
        return self._outputs[index]


class PinnableLayer(ILayer):
    __slots__ = ("_output_types", "precision")

    def __init__(self, name: str, inputs: List[ITensor], outputs: List[ITensor]) -> None:
        super().__init__(name, inputs, outputs)
        self.precision: Optional[DataType] = None
        self._output_types: Set[DataType] = set()

    def set_output_type(self, index: int, dtype: DataType) -> None:
        self._output_types.add(dtype)


class INetworkDefinition:
    def __init__(self, flags: int) -> None:
        self._flags = flags
        self._model = b""
        self._layers: List[Any] = []

    @property
    def num_layers(self) -> int:
        return len(self._layers)

    def get_layer(self, index: int) -> Any:
        return self._layers[index]


class ITimingCache:
    def __init__(self, version: str, entries: int) -> None:
        self._version, self._entries = version, entries

    def serialize(self) -> bytes:
        return json.dumps([self._version, self._entries]).encode()


def add_builder(module: types.ModuleType, version: str, *, can_pin: bool) -> None:
    """Give `module` what belongs to building.

    Its faults: `fail_build` (a message), `fail_above_mib`, `fail_below_mib` and `die_above_mib`:
    the workspaces from which on a build fails or the process is killed.
    """
    release = tuple(int(part) for part in version.split(".")[:2])
    has_pools = release >= (8, 4)
    layer_class = PinnableLayer if can_pin else ILayer
    flags = ["TF32"]
    if can_pin:
        flags += ["FP16"]
        flags += ["OBEY_PRECISION_CONSTRAINTS"] if release >= (8, 2) else []
        flags += ["STRICT_TYPES"] if release < (10, 0) else []
    creation = ["EXPLICIT_BATCH"] if release < (11, 0) else []
    creation += ["STRONGLY_TYPED"] if release >= (10, 0) else []
    BuilderFlag = enum.IntEnum("BuilderFlag", flags, start=0)
    Creation = enum.IntEnum("NetworkDefinitionCreationFlag", creation, start=0)
    MemoryPoolType = enum.IntEnum("MemoryPoolType", ["WORKSPACE"])

    class IBuilderConfig:
        def __init__(self) -> None:
            self._flags: Set[Any] = {BuilderFlag.TF32}
            self._workspace = 0
            self._cache = ITimingCache(version, 0)

        def set_flag(self, flag: Any) -> None:
            self._flags.add(BuilderFlag(flag))

        def clear_flag(self, flag: Any) -> None:
            self._flags.discard(BuilderFlag(flag))

        def create_timing_cache(self, serialized_timing_cache: bytes) -> Optional[ITimingCache]:
            if not serialized_timing_cache:
                return ITimingCache(version, 0)
            return ITimingCache(*json.loads(serialized_timing_cache))

        def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
            if cache._version != version:
                return False
            self._cache = cache
            return True

        def get_timing_cache(self) -> ITimingCache:
            return self._cache

    if has_pools:

        def set_memory_pool_limit(self: Any, pool: Any, pool_size: int) -> None:
            assert pool == MemoryPoolType.WORKSPACE
            self._workspace = pool_size

        IBuilderConfig.set_memory_pool_limit = set_memory_pool_limit  # type: ignore[attr-defined]
        module.MemoryPoolType = MemoryPoolType
    else:
        IBuilderConfig.max_workspace_size = property(  # type: ignore[attr-defined]
            lambda self: self._workspace, lambda self, size: setattr(self, "_workspace", size)
        )

    class OnnxParser:
        def __init__(self, network: INetworkDefinition, logger: Any) -> None:
            self._network = network
            self._error = ""

        def parse(self, model: bytes) -> bool:
            import onnx

            parsed = onnx.load_from_string(bytes(model))
            halves = any(each.data_type == _FLOAT16 for each in parsed.graph.initializer)
            sizes = [d for i in parsed.graph.input for d in i.type.tensor_type.shape.dim]
            if not all(each.dim_value for each in sizes):
                self._error = "dynamic sizes without a profile"
            elif halves and can_pin and release < (10, 0):
                self._error = "FP16 weights"
            else:
                self._network._model = bytes(model)
                self._network._layers = _layers(parsed, layer_class)
            return not self._error

        @property
        def num_errors(self) -> int:
            return 1 if self._error else 0

        def get_error(self, index: int) -> str:
            return self._error

    class Builder:
        def __init__(self, logger: Any) -> None:
            self._logger = logger

        def create_network(self, flags: int = 0) -> INetworkDefinition:
            if creation[0] == "EXPLICIT_BATCH" and not flags & 1 and release < (10, 0):
                raise RuntimeError("the parser takes networks with an explicit batch only")
            return INetworkDefinition(flags)

        def create_builder_config(self) -> IBuilderConfig:
            return IBuilderConfig()

        def build_serialized_network(
            self, network: INetworkDefinition, config: IBuilderConfig
        ) -> Optional[bytes]:
            mib = config._workspace >> 20
            if mib > module.die_above_mib:
                os.kill(os.getpid(), signal.SIGKILL)
            reason = module.fail_build or _refusal(network, config._workspace)
            if mib > module.fail_above_mib:
                reason = "Cuda Runtime (out of memory)"
            elif mib < module.fail_below_mib:
                reason = "OutOfMemory (Requested size was 371979276 bytes.)"
            if reason:
                self._logger.log(ILogger.ERROR, reason)
                return None
            config._cache._entries += 1
            named = {each.name for each in config._flags}
            binding = named & {"OBEY_PRECISION_CONSTRAINTS", "STRICT_TYPES"}
            pins = [
                each.name
                for each in network._layers
                if binding and can_pin and each.precision == DataType.FLOAT and each._output_types
            ]
            return bytes(Plan(version, "FP16" in named, pins, network._model))

    vars(module).update(
        Builder=Builder,
        BuilderFlag=BuilderFlag,
        NetworkDefinitionCreationFlag=Creation,
        OnnxParser=OnnxParser,
        fail_build="",
        fail_above_mib=1 << 20,
        fail_below_mib=0,
        die_above_mib=1 << 20,
    )
    module.classes.update(
        Builder=Builder,
        IBuilderConfig=IBuilderConfig,
        INetworkDefinition=INetworkDefinition,
        OnnxParser=OnnxParser,
        ILayer=layer_class,
        ITimingCache=ITimingCache,
    )


def _refusal(network: INetworkDefinition, workspace: int) -> str:
    if not workspace:
        return "Could not find any implementation for node"
    for layer in network._layers:
        precision = getattr(layer, "precision", None)
        if precision and any(each.dtype != DataType.FLOAT for each in layer._outputs):
            return f"{layer.name}: a precision on a layer that gives no floats"
    return ""


def _layers(model: onnx.ModelProto, layer_class: Any) -> List[Any]:
    """A layer for each node, named after it, and before it one for each constant."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model).graph
    infos = {each.name: each for each in (*inferred.input, *inferred.output, *inferred.value_info)}
    tensors = {name: ITensor(each) for name, each in infos.items()}
    layers: List[Any] = []
    for constant in model.graph.initializer:
        name = f"(Unnamed Layer* {len(layers)}) [Constant]"
        info = onnx.helper.make_tensor_value_info(name, constant.data_type, constant.dims)
        tensors[constant.name] = ITensor(info)
        layers.append(layer_class(name, [], [tensors[constant.name]]))
    for node in model.graph.node:
        inputs = [tensors[name] for name in node.input if name]
        layers.append(layer_class(node.name, inputs, [tensors[name] for name in node.output]))
    return layers
