"""Keeps loaded graphs for their next use, within a memory budget."""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import ContextManager, Iterator, List, Optional, Tuple, Type

from runtime.backends import on_processor
from runtime.backends.base import Backend
from runtime.errors import Cancelled, DeviceMemoryError, GraphMissing
from runtime.files import Stamp, stamp_of
from runtime.spec.engines import Size
from runtime.spec.graphs import GraphKind, GraphSpec

#: Bytes that one painting may use for graphs: the largest tile of the fine stage, but not the
#: graphs of the coarse stage beside it.
ONE_PAINTING = 800 << 20

_log = logging.getLogger(__name__)

_Key = Tuple[Type[Backend], GraphSpec, Size, Path]


class KeptGraphs:
    """Loaded graphs, of which those used least recently are closed to stay within a budget.

    What counts is each backend's own estimate (`Backend.footprint`): what a loaded graph holds, and
    for the graphs in use what a run needs beside. Other graphs are closed before one is loaded, so
    that the peak stays within the budget too, unless a single graph exceeds it.

    One thread at a time may use it. As a context manager it closes all graphs at the end.
    """

    def __init__(self, budget: int = ONE_PAINTING) -> None:
        """`budget` is in bytes."""
        self._budget = budget
        # The least recently used first.
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()

    def __enter__(self) -> KeptGraphs:
        """Nothing is loaded yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all graphs."""
        self.close()

    @contextlib.contextmanager
    def open(
        self, backend: Type[Backend], graph: GraphSpec, size: Size, folder: Path
    ) -> Iterator[Backend]:
        """`graph` loaded for pictures of this (width, height), to be run inside the block.

        A graph whose files have changed is loaded again. If loading or the block fails, every idle
        graph of `backend` is closed, as the failure may concern the device. A graph that is missing
        concerns no other, and cancelling is no failure. Raises what `Backend.load` raises.
        """
        key = (backend, graph, size, folder)
        try:
            entry = self._loaded(key)
            entry.users += 1
            try:
                yield entry.backend
            finally:
                entry.users -= 1
            entry.rest()
        except Cancelled:
            entry.rest()
            raise
        except GraphMissing:
            raise
        except BaseException:
            self._close([key for key in self._idle() if key[0] is backend])
            raise

    def close(self) -> None:
        """Close all graphs; they are loaded again when they are next opened."""
        self._close(list(self._entries))

    def _loaded(self, key: _Key) -> _Entry:
        """The entry of `key`, loaded, as the most recently used."""
        entry = self._entries.get(key)
        if entry is not None and not entry.users and entry.is_outdated:
            _log.info("%s has changed and is loaded again.", entry.backend.graph.name)
            self._close([key])
            entry = None
        if entry is None:
            entry = _Entry.of(*key)
        self._make_room(entry)
        if key not in self._entries:
            self._load(entry.backend)
            self._entries[key] = entry
        self._entries.move_to_end(key)
        return entry

    def _make_room(self, entry: _Entry) -> None:
        """Close idle graphs, the least recently used first, until `entry` may run beside the rest."""
        need = entry.backend.footprint().most
        others = {key: each for key, each in self._entries.items() if each is not entry}
        held = sum(each.bytes for each in others.values())
        for key, each in others.items():
            if need + held <= self._budget:
                break
            if not each.users:
                held -= each.bytes
                self._close([key])

    def _load(self, backend: Backend) -> None:
        try:
            backend.load()
        except DeviceMemoryError:
            idle = self._idle()
            if not idle:
                raise
            # The estimates were too low. To keep graphs must not make a job fail.
            self._close(idle)
            backend.load()

    def _idle(self) -> List[_Key]:
        return [key for key, each in self._entries.items() if not each.users]

    def _close(self, keys: List[_Key]) -> None:
        with contextlib.ExitStack() as stack:
            for key in keys:
                # One that cannot be closed does not keep the others open.
                stack.callback(self._entries.pop(key).backend.close)


@dataclass
class _Entry:
    """A graph, the state of its files before it was loaded, and how many blocks use it now."""

    backend: Backend
    stamps: Tuple[Optional[Stamp], ...]
    users: int = 0

    @classmethod
    def of(cls, backend: Type[Backend], graph: GraphSpec, size: Size, folder: Path) -> _Entry:
        """An entry whose graph is not loaded."""
        width, height = size
        made = backend(graph, height=height, width=width, folder=folder)
        return cls(made, tuple(map(stamp_of, made.files())))

    @property
    def is_outdated(self) -> bool:
        """Whether a file of the graph has changed since it was loaded."""
        return self.stamps != tuple(map(stamp_of, self.backend.files()))

    @property
    def bytes(self) -> int:
        """The memory that is in use, estimated."""
        footprint = self.backend.footprint()
        return footprint.most if self.users else footprint.idle

    def rest(self) -> None:
        """Free what only runs need, once no block uses the graph."""
        if not self.users:
            self.backend.rest()


@contextlib.contextmanager
def kept_or_new(graphs: Optional[KeptGraphs]) -> Iterator[KeptGraphs]:
    """`graphs`, or new ones that are closed when the block ends."""
    if graphs is not None:
        yield graphs
    else:
        with KeptGraphs() as new:
            yield new


@dataclass(frozen=True)
class GraphsOf:
    """The graphs in `folder` as one backend runs them."""

    kept: KeptGraphs
    backend: Type[Backend]
    folder: Path

    def has(self, graph: GraphSpec) -> bool:
        """Whether the graph's ONNX file is there."""
        return (self.folder / graph.onnx_file).exists()

    def sizes(self, graph: GraphSpec) -> Tuple[Size, ...]:
        """The only sizes that `graph` can run at; empty if it runs at any."""
        return self.backend.shapes(graph, self.folder)

    def open(self, graph: GraphSpec, size: Size) -> ContextManager[Backend]:
        """`graph` loaded for pictures of this (width, height), as in `KeptGraphs.open`.

        Until its engine is built, the processor runs a graph that needs only a few runs.
        """
        backend = self.backend
        if graph.kind is not GraphKind.GATYS and backend.lacks(graph, size, self.folder):
            backend = on_processor(self.folder) or backend
            _log.info("%s has no engine of %dx%d; %s runs it.", graph.name, *size, backend.name)
        return self.kept.open(backend, graph, size, self.folder)
