"""The interface of the backends: each loads one graph for one picture size and runs it."""

from __future__ import annotations

import abc
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Dict, Mapping, Sequence, Tuple

import numpy as np

from runtime.errors import BackendError, BackendUnavailable, GraphMismatch
from runtime.files import stamp_of
from runtime.spec.engines import Size
from runtime.spec.folder import onnx_path
from runtime.spec.graphs import GraphKind, GraphSpec, Shape, TensorSpec

Arrays = Dict[str, np.ndarray]

#: Bytes of a run for each pixel, measured with OpenVINO and ONNX Runtime in float32; the largest of
#: both and of both objectives.
_RUN_BYTES: Mapping[GraphKind, int] = {
    GraphKind.FEATURES: 1200,
    GraphKind.GATYS: 2400,
    GraphKind.GENERATOR: 2400,
    GraphKind.FACES: 200,
    GraphKind.STYLE_VECTOR: 200,
    GraphKind.SKETCH: 400,
}


@dataclass(frozen=True)
class Footprint:
    """The bytes that a loaded graph holds while it is idle, and that it takes besides for a run."""

    idle: int
    run: int

    @property
    def most(self) -> int:
        """The bytes while it runs."""
        return self.idle + self.run


class Backend(abc.ABC):
    """One graph at one picture size; as a context manager it calls `load` and `close`.

    A subclass defines `name`, `check`, `_load`, `_run` and `_close`. This class checks names, shapes
    and dtypes for all of them.
    """

    name: ClassVar[str]

    #: A loaded graph takes so many times the size of its file.
    copies: ClassVar[float] = 1.0

    def __init__(self, graph: GraphSpec, *, height: int, width: int, folder: Path) -> None:
        self.graph = graph
        self.height = height
        self.width = width
        self.folder = folder
        self._loaded = False

    @classmethod
    @abc.abstractmethod
    def check(cls, folder: Path) -> str:
        """What this backend runs on here, such as `CPU, bfloat16`; `folder` holds the graphs.

        Raises `BackendUnavailable` with the reason when it cannot run here.
        """

    @classmethod
    def shapes(cls, graph: GraphSpec, folder: Path) -> Tuple[Size, ...]:
        """The (width, height) at which `graph` can run; empty if it runs at any size."""
        return ()

    @classmethod
    def lacks(cls, graph: GraphSpec, size: Size, folder: Path) -> bool:
        """Whether what `graph` needs to run at this (width, height) is still to be built."""
        return False

    def files(self) -> Tuple[Path, ...]:
        """The files that `load` reads, whether they exist or not; the largest one comes first."""
        return (self.folder / self.graph.onnx_file,)

    def footprint(self) -> Footprint:
        """An estimate of the memory, which holds before the graph is loaded too."""
        stamp = stamp_of(self.files()[0])
        held = int(self.copies * stamp[1]) if stamp else 0
        return Footprint(held, _RUN_BYTES[self.graph.kind] * self.width * self.height)

    def rest(self) -> None:  # noqa: B027 (most backends hold nothing of the kind)
        """Free what only runs need, for a loaded graph that is kept; a later run takes it again."""

    def load(self) -> None:
        """Load the graph; a second call does nothing.

        Raises `GraphMissing`, `GraphMismatch`, `BackendUnavailable`, or `BackendError` for an error
        of the inference library.
        """
        if not self._loaded:
            self._load()
            self._loaded = True

    def run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """Run the graph once: arrays by input name in, arrays by output name out.

        The results are copies that no later run changes. Raises `GraphMismatch` for a wrong name,
        shape or dtype, `BackendError` when the library fails.
        """
        if not self._loaded:
            raise BackendError(f"{self.graph.name} is not loaded; call load() before run().")
        self._check_arrays(self.graph.inputs, feeds, "input")
        results = self._run(feeds)
        self._check_arrays(self.graph.outputs, results, "output")
        return results

    def close(self) -> None:
        """Free the graph and its memory; a second call does nothing."""
        if self._loaded:
            self._loaded = False
            self._close()

    def __enter__(self) -> Backend:
        """Load the graph."""
        self.load()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the backend."""
        self.close()

    @abc.abstractmethod
    def _load(self) -> None:
        """Load the graph."""

    @abc.abstractmethod
    def _run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """Run the graph on checked feeds."""

    @abc.abstractmethod
    def _close(self) -> None:
        """Free what `_load` allocated."""

    def _onnx_path(self) -> Path:
        """The graph's ONNX file; raises `GraphMissing` if it does not exist."""
        return onnx_path(self.graph, self.folder)

    def _input_shapes(self) -> Dict[str, Shape]:
        return self.graph.input_shapes(self.height, self.width)

    def _check_interface(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Raise `GraphMismatch` unless a loaded file has the graph's inputs and outputs."""
        expected = {each.name for each in self.graph.inputs + self.graph.outputs}
        found = set(inputs) | set(outputs)
        if found != expected:
            raise GraphMismatch(
                f"{self._onnx_path()} has the tensors {', '.join(sorted(found))}; this version "
                f"expects {', '.join(sorted(expected))}. Run `make onnx` to write it again."
            )

    def _check_arrays(
        self, specs: Sequence[TensorSpec], arrays: Mapping[str, np.ndarray], role: str
    ) -> None:
        names = {spec.name for spec in specs}
        if names != set(arrays):
            raise GraphMismatch(
                f"{self.graph.name} got the {role}s {', '.join(sorted(arrays))}; "
                f"expected {', '.join(sorted(names))}."
            )
        for spec in specs:
            array, shape = arrays[spec.name], spec.resolve(self.height, self.width)
            if array.shape != shape or array.dtype != np.dtype(spec.dtype):
                raise GraphMismatch(
                    f"{self.graph.name}: {role} {spec.name} is {array.dtype}{list(array.shape)}; "
                    f"expected {spec.dtype}{list(shape)}."
                )


def available_threads() -> int:
    """How many CPUs this process may use, which in a container may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def import_onnx() -> Any:
    """The onnx module, for backends that read the graphs; raises `BackendUnavailable` without it."""
    try:
        import onnx
    except ImportError as error:
        raise BackendUnavailable(
            f"onnx, which reads the graphs, is not installed ({error})."
        ) from error
    return onnx
