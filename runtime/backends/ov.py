"""OpenVINO on the CPU: bfloat16 where the processor is faster with it, float32 elsewhere."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Mapping, Optional

import numpy as np

from runtime.backends.base import Arrays, Backend, available_threads
from runtime.backends.ov_gram import SplitTargets, fold_differences
from runtime.backends.probe import CHANNELS, SIDE, is_faster
from runtime.errors import BackendError, BackendUnavailable
from runtime.spec.graphs import GraphKind


class OpenVinoBackend(Backend):
    """Compiles the ONNX file for one size with OpenVINO's CPU plugin."""

    name = "openvino"
    copies = 3.0
    _request: Optional[Any] = None
    _targets = SplitTargets()

    @classmethod
    def check(cls, folder: Path) -> str:
        """Device and precision; raises `BackendUnavailable` when OpenVINO is not installed."""
        _import()
        return "CPU, bfloat16" if bfloat16_pays() else "CPU, float32"

    def _load(self) -> None:
        openvino = _import()
        path = self._onnx_path()
        core = openvino.Core()
        # Targets and styles are computed once, and their errors enter every step or picture.
        exact = self.graph.kind in (GraphKind.FEATURES, GraphKind.STYLE_VECTOR)
        half = bfloat16_pays() and not exact
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": available_threads(),
            "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
        }
        try:
            model = core.read_model(str(path))
            self._check_interface(
                [each.any_name for each in model.inputs], [each.any_name for each in model.outputs]
            )
            model.reshape({name: list(shape) for name, shape in self._input_shapes().items()})
            self._targets = SplitTargets(fold_differences(model) if half else ())
            self._request = core.compile_model(model, "CPU", config).create_infer_request()
        except RuntimeError as error:
            raise BackendError(f"OpenVINO cannot load {path}: {error}") from error

    def rest(self) -> None:
        """Free the values between the layers: 0.6 GB for gatys-classic at 680x520."""
        if self._request is not None:
            self._request.get_compiled_model().release_memory()

    def _run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        assert self._request is not None
        try:
            self._request.infer(self._targets.split(feeds), share_inputs=True)
        except RuntimeError as error:
            raise BackendError(f"OpenVINO failed in {self.graph.name}: {error}") from error
        # A tensor's data is memory of the request, which the next run overwrites.
        return {
            each.name: self._request.get_tensor(each.name).data.copy()
            for each in self.graph.outputs
        }

    def _close(self) -> None:
        self._request = None


@lru_cache(maxsize=None)
def bfloat16_pays() -> bool:
    """Whether this processor has bfloat16 and is faster with it; measured once, in 0.2 s."""
    openvino = _import()
    core = openvino.Core()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return False
    picture = np.ones((1, CHANNELS, SIDE, SIDE), np.float32)
    half, full = (
        partial(_convolution(core, precision).infer, [picture]) for precision in ("bf16", "f32")
    )
    return is_faster(half, full)


def _convolution(core: Any, precision: str) -> Any:
    """An inference request for the convolution that precisions are compared by."""
    from openvino import Model
    from openvino import opset8 as opset

    picture = opset.parameter([1, CHANNELS, SIDE, SIDE], np.float32)
    weights = opset.constant(np.full((CHANNELS, CHANNELS, 3, 3), 0.01, np.float32))
    convolved = opset.convolution(picture, weights, [1, 1], [1, 1], [1, 1], [1, 1])
    config = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": precision}
    compiled = core.compile_model(Model([convolved], [picture]), "CPU", config)
    return compiled.create_infer_request()


def _import() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise BackendUnavailable(f"OpenVINO is not installed ({error}).") from error
    return openvino
