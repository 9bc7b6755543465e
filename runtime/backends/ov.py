"""OpenVINO on the CPU: bfloat16 where the processor has it, float32 elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Optional

import numpy as np

from runtime.backends.base import Arrays, Backend, available_threads
from runtime.backends.ov_gram import PartedTargets, difference_within_product
from runtime.errors import BackendError, BackendUnavailable
from runtime.spec.graphs import GraphKind


class OpenVinoBackend(Backend):
    """Compiles the ONNX file for one size with OpenVINO's CPU plugin."""

    name = "openvino"
    _request: Optional[Any] = None
    _targets = PartedTargets()

    @classmethod
    def check(cls, folder: Path) -> str:
        """Say the precision; raises `BackendUnavailable` when OpenVINO is not installed."""
        return "CPU, bfloat16" if _has_bfloat16(_import().Core()) else "CPU, float32"

    def _load(self) -> None:
        openvino = _import()
        path = self._onnx_path()
        core = openvino.Core()
        # The targets are computed once, and their errors enter every step.
        half = _has_bfloat16(core) and self.graph.kind is not GraphKind.FEATURES
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
            self._targets = PartedTargets(difference_within_product(model) if half else ())
            self._request = core.compile_model(model, "CPU", config).create_infer_request()
        except RuntimeError as error:
            raise BackendError(f"OpenVINO cannot load {path}: {error}") from error

    def _run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        assert self._request is not None
        try:
            self._request.infer(self._targets.cut(feeds), share_inputs=True)
        except RuntimeError as error:
            raise BackendError(f"OpenVINO failed in {self.graph.name}: {error}") from error
        # A tensor's data is the request's own memory, overwritten by the next run.
        return {
            each.name: self._request.get_tensor(each.name).data.copy()
            for each in self.graph.outputs
        }

    def _close(self) -> None:
        self._request = None


def _has_bfloat16(core: Any) -> bool:
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _import() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise BackendUnavailable(f"OpenVINO is not installed ({error}).") from error
    return openvino
