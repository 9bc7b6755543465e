"""ONNX Runtime on the CPU, in float32: runs on any machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Optional, Union

import numpy as np

from runtime.backends.base import Arrays, Backend, Footprint, available_threads
from runtime.backends.ort_unpool import with_max_unpool
from runtime.errors import BackendError, BackendUnavailable
from runtime.spec.graphs import GraphKind
from runtime.spec.vgg import MAX


class OnnxRuntimeBackend(Backend):
    """Runs the ONNX file with ONNX Runtime's CPU provider."""

    name = "onnxrt"
    copies = 3.0
    _session: Optional[Any] = None

    @classmethod
    def check(cls, folder: Path) -> str:
        """The device; raises `BackendUnavailable` when ONNX Runtime is not installed."""
        _import()
        return "CPU, float32"

    def footprint(self) -> Footprint:
        """As in `Backend`; an idle session keeps the memory of its runs in its arena."""
        estimate = super().footprint()
        return Footprint(idle=estimate.most, run=0)

    def _load(self) -> None:
        onnxruntime = _import()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = available_threads()
        options.log_severity_level = 3
        # This execution order frees tensors sooner: 747 MB against 865 MB for gatys-classic at 384 px.
        options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
        # A pattern is a second arena beside that of the first run: 1681 MB instead of 945 MB for
        # gatys-classic at 688x528, and no faster.
        options.enable_mem_pattern = False
        # With fixed sizes, ONNX Runtime folds all arithmetic on shapes into constants.
        for spec in self.graph.inputs:
            for dim, size in zip(spec.shape, spec.resolve(self.height, self.width)):
                if isinstance(dim, str):
                    options.add_free_dimension_override_by_name(dim, size)
        path = self._onnx_path()
        model: Union[str, bytes] = str(path)
        try:
            if self.graph.kind is GraphKind.GATYS and self.graph.pooling == MAX:
                model = with_max_unpool(path)
            session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except BackendUnavailable:
            raise
        except Exception as error:  # the library's own types are private
            raise BackendError(f"ONNX Runtime cannot load {path}: {error}") from error
        inputs = [each.name for each in session.get_inputs()]
        self._check_interface(inputs, [each.name for each in session.get_outputs()])
        self._session = session

    def _run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        assert self._session is not None
        names = [each.name for each in self.graph.outputs]
        try:
            return dict(zip(names, self._session.run(names, dict(feeds))))
        except Exception as error:  # the library's own types are private
            raise BackendError(f"ONNX Runtime failed in {self.graph.name}: {error}") from error

    def _close(self) -> None:
        self._session = None


def _import() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendUnavailable(f"ONNX Runtime is not installed ({error}).") from error
    return onnxruntime
