"""PyTorch on a CUDA GPU or the CPU: runs the ONNX file's nodes, with gradients by autograd."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import numpy as np

from runtime.backends.base import Arrays, Backend, import_onnx
from runtime.backends.operators import CONVOLUTIONS, Node, Place, apply, is_known
from runtime.backends.probe import CHANNELS, SIDE, is_faster
from runtime.errors import BackendError, BackendUnavailable, DeviceMemoryError, GraphMismatch

#: Near the solution 99 % of the unscaled gradients are subnormal in FP16; a power of two is exact.
LOSS_SCALE = 1024.0

_GRADIENT = "gradient"


class PytBackend(Backend):
    """Runs the nodes of the ONNX file that the outputs need; of a gatys graph, the forward pass."""

    name = "pyt"
    copies = 1.5
    _graph: Optional[_TorchGraph] = None

    @classmethod
    def check(cls, folder: Path) -> str:
        """Device and precision; raises `BackendUnavailable` without torch or onnx."""
        place = _place()
        device = "CPU"
        if place.device.type == "cuda":
            device = place.torch.cuda.get_device_name(place.device)
        return f"{device}, {str(place.precision).replace('torch.', '')}"

    def _load(self) -> None:
        place = _place()
        path = self._onnx_path()
        try:
            model = import_onnx().load(str(path))
        except Exception as error:  # protobuf's types differ between its versions
            raise BackendError(f"{path} cannot be read: {error}. Run `make onnx`.") from error
        inputs = [each.name for each in model.graph.input]
        outputs = [each.name for each in model.graph.output]
        self._check_interface(inputs, outputs)
        forward = [each for each in outputs if each != _GRADIENT]
        try:
            self._graph = _TorchGraph(place, model.graph, forward)
        except RuntimeError as error:
            raise self._translated(place.torch, error) from error

    def _run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        assert self._graph is not None
        place = self._graph.place
        try:
            # W: torch warns about arrays that are not writable.
            tensors = {
                name: place.torch.from_numpy(np.require(array, requirements=["C", "W"])).to(
                    place.device
                )
                for name, array in feeds.items()
            }
            if any(each.name == _GRADIENT for each in self.graph.outputs):
                results = self._graph.run_with_gradient(tensors)
            else:
                with place.torch.no_grad():
                    results = self._graph.run(tensors)
            return {name: value.detach().cpu().numpy() for name, value in results.items()}
        except RuntimeError as error:
            raise self._translated(place.torch, error) from error

    def _close(self) -> None:
        assert self._graph is not None
        place, self._graph = self._graph.place, None
        _free_unused(place)

    def rest(self) -> None:
        """Free the values between the layers, which torch keeps for the next run on a GPU."""
        if self._graph is not None:
            _free_unused(self._graph.place)

    def _translated(self, torch: Any, error: RuntimeError) -> BackendError:
        if isinstance(error, torch.cuda.OutOfMemoryError):
            return DeviceMemoryError(
                f"The GPU's memory is not enough for {self.graph.name} at "
                f"{self.width}x{self.height}; a smaller size needs less."
            )
        return BackendError(f"PyTorch failed in {self.graph.name}: {error}")


def _free_unused(place: Place) -> None:
    """Give back what torch holds of a GPU's memory, so that other backends can use it."""
    if place.device.type == "cuda":
        place.torch.cuda.empty_cache()


def has_gpu() -> bool:
    """Whether torch finds a CUDA GPU. Without NVIDIA's driver torch is not even imported."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        return bool(_import_torch().cuda.is_available())
    except (OSError, BackendUnavailable):
        return False


class _TorchGraph:
    """The nodes that some outputs of an ONNX graph need, with their constants on a device."""

    def __init__(self, place: Place, graph: Any, outputs: Sequence[str]) -> None:
        self.place = place
        self._outputs = outputs
        self._nodes = _needed(graph, outputs)
        unknown = sorted({each.operator for each in self._nodes if not is_known(each.operator)})
        if unknown:
            raise GraphMismatch(
                f"{graph.name} has the operators {', '.join(unknown)}, which this version cannot "
                "run. Run `make onnx` to write it again."
            )
        self._constants = self._read_constants(graph)

    def run(self, feeds: Mapping[str, Any]) -> Dict[str, Any]:
        """The outputs as float32 tensors in NumPy's memory layout."""
        values = {**self._constants, **feeds}
        values["image"] = values["image"].contiguous(memory_format=self._channels_last)
        for node in self._nodes:
            if node.output in values:
                continue
            value = apply(self.place, node, [values[each] for each in node.inputs])
            values[node.output] = value
            # The size is fixed: values that depend on shapes alone are computed once.
            if node.operator == "Shape" or self._constants.keys() >= set(node.inputs):
                self._constants[node.output] = value
        return {name: values[name].float().contiguous() for name in self._outputs}

    def run_with_gradient(self, feeds: Mapping[str, Any]) -> Dict[str, Any]:
        """The loss terms of a gatys graph and the gradient of their weighted sum."""
        torch = self.place.torch
        image = feeds["image"].requires_grad_()
        with torch.enable_grad():
            results = self.run({**feeds, "image": image})
            loss = (feeds["style_weights"] * results["style_losses"]).sum()
            loss = loss + (feeds["content_weight"] * results["content_loss"]).sum()
            (gradient,) = torch.autograd.grad(loss * LOSS_SCALE, image)
        return {**results, _GRADIENT: gradient.contiguous() / LOSS_SCALE}

    @property
    def _channels_last(self) -> Any:
        return self.place.torch.channels_last

    def _read_constants(self, graph: Any) -> Dict[str, Any]:
        """The constants: sizes on the CPU, weights of convolutions in their dtype and layout."""
        to_array = import_onnx().numpy_helper.to_array
        read = {name for node in self._nodes for name in node.inputs}
        weights = {
            name
            for node in self._nodes
            if node.operator in CONVOLUTIONS
            for name in node.inputs[1:]
        }
        constants = {}
        for each in graph.initializer:
            if each.name not in read:
                continue
            value = self.place.torch.from_numpy(to_array(each).copy())
            if value.is_floating_point():
                value = value.to(self.place.device)
            if each.name in weights:
                value = value.to(self.place.precision)
            if value.dim() == 4:
                value = value.contiguous(memory_format=self._channels_last)
            constants[each.name] = value
        return constants


def _needed(graph: Any, outputs: Sequence[str]) -> List[Node]:
    """The nodes that `outputs` depend on, in the file's order."""
    get_attribute_value = import_onnx().helper.get_attribute_value
    wanted, nodes = set(outputs), []
    for node in reversed(graph.node):
        if wanted.isdisjoint(node.output):
            continue
        wanted.update(node.input)
        attributes = {each.name: get_attribute_value(each) for each in node.attribute}
        nodes.append(Node(node.op_type, tuple(node.input), node.output[0], attributes))
    return nodes[::-1]


def _place() -> Place:
    """The GPU if torch finds one, with float16 if it has tensor cores; else the CPU."""
    torch = _import_torch()
    import_onnx()
    if torch.cuda.is_available():
        has_tensor_cores = torch.cuda.get_device_capability() >= (7, 0)
        precision = torch.float16 if has_tensor_cores else torch.float32
        return Place(torch, torch.device("cuda"), precision)
    precision = torch.bfloat16 if _bfloat16_pays(torch) else torch.float32
    return Place(torch, torch.device("cpu"), precision)


@lru_cache(maxsize=None)
def _bfloat16_pays(torch: Any) -> bool:
    """Whether the processor has bfloat16 and torch is faster with it; measured once, in 0.2 s."""
    # torch can compute in bfloat16 on any CPU. Older versions do not say what the CPU has.
    capabilities: Dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    if not (capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")):
        return False

    def convolution(precision: Any) -> Callable[[], Any]:
        shapes = (1, CHANNELS, SIDE, SIDE), (CHANNELS, CHANNELS, 3, 3)
        picture, weights = (
            torch.ones(shape, dtype=precision).contiguous(memory_format=torch.channels_last)
            for shape in shapes
        )
        return partial(torch.nn.functional.conv2d, picture, weights, padding=1)

    threads = torch.get_num_threads()
    # More would spin while they wait, which counts as processor time.
    torch.set_num_threads(1)
    try:
        return is_faster(convolution(torch.bfloat16), convolution(torch.float32))
    finally:
        torch.set_num_threads(threads)


def _import_torch() -> Any:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: torch needs a library that is missing
        raise BackendUnavailable(f"PyTorch is not installed ({error}).") from error
    return torch
