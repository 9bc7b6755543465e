"""TensorRT: runs the engines that `make engines` built on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, Optional, Tuple

import numpy as np

from runtime.backends.base import Arrays, Backend
from runtime.backends.trt_device import import_vendors, open_device
from runtime.backends.trt_plan import CURE, host_of, read_plan
from runtime.backends.trt_session import Session
from runtime.errors import BackendError, BackendUnavailable, StaleEngine
from runtime.spec.engines import Size, plan_file, planned_sizes, sidecar_file
from runtime.spec.graphs import GraphSpec


class TrtBackend(Backend):
    """Runs a plan, which takes pictures of one size only; `shapes` lists the sizes."""

    name = "trt"
    _session: Optional[Session] = None

    @classmethod
    def check(cls, folder: Path) -> str:
        """The device and TensorRT's version.

        Raises `BackendUnavailable` without tensorrt, a module for CUDA, a GPU or any engine.
        """
        tensorrt, cuda = import_vendors()
        device = open_device(cuda)
        if next(folder.glob("*.plan"), None) is None:
            raise BackendUnavailable(f"There are no engines in {folder}. {CURE}")
        return f"{device.name}, TensorRT {tensorrt.__version__}"

    @classmethod
    def shapes(cls, graph: GraphSpec, folder: Path) -> Tuple[Size, ...]:
        """The (width, height) for which `folder` holds plans of `graph`."""
        return planned_sizes(graph, folder)

    @classmethod
    def lacks(cls, graph: GraphSpec, size: Size, folder: Path) -> bool:
        """Whether `folder` holds no plan of `graph` for this (width, height)."""
        return not (folder / plan_file(graph, size)).exists()

    def files(self) -> Tuple[Path, ...]:
        """The plan, its sidecar, and the graph that it must have been built from."""
        size = (self.width, self.height)
        names = plan_file(self.graph, size), sidecar_file(self.graph, size), self.graph.onnx_file
        return tuple(self.folder / name for name in names)

    def _load(self) -> None:
        """Load the plan; also raises `GraphMissing`, `StaleEngine` and `DeviceMemoryError`."""
        tensorrt, cuda = import_vendors()
        device = open_device(cuda)
        size = (self.width, self.height)
        plan = read_plan(self.graph, size, self.folder, host_of(tensorrt, device))
        session = Session(tensorrt, device, plan, plan_file(self.graph, size))
        try:
            self._check_tensors(session)
        except StaleEngine:
            session.close()
            raise
        self._session = session

    def _check_tensors(self, session: Session) -> None:
        expected = {
            (each.name, each in self.graph.inputs, each.resolve(self.height, self.width))
            for each in self.graph.inputs + self.graph.outputs
        }
        if set(session.tensors) != expected:
            found = ", ".join(f"{each.name}{list(each.shape)}" for each in session.tensors)
            file = plan_file(self.graph, (self.width, self.height))
            raise StaleEngine(
                f"{file} has the tensors {found}; this version expects "
                f"{', '.join(f'{name}{list(shape)}' for name, _, shape in sorted(expected))}. "
                f"{CURE}"
            )

    def _run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        assert self._session is not None
        results = self._session.run(feeds)
        for name, values in results.items():
            # FP16 ends at 65504: larger values become infinity or NaN.
            if not np.isfinite(values).all():
                raise BackendError(
                    f"{self.graph.name} on {self.name} gave {np.count_nonzero(~np.isfinite(values))}"
                    f" values in {name} that are not numbers."
                )
        return results

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None
