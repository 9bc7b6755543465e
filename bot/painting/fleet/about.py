"""What a painter says of its machine."""

from __future__ import annotations

import hashlib
import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Dict, Optional, Tuple

from bot.config import usual_sizes
from bot.painting.fleet.messages import About
from runtime import installed_styles, models
from runtime.files import Stamp, stamp_of
from runtime.imaging.limits import usable_memory
from runtime.machine.jetson import temperatures
from runtime.spec.folder import graphs_in
from runtime.spec.graphs import sketch_graph, style_vector_graph

_log = logging.getLogger(__name__)


class Machine:
    """The machine of a painter. `engines` is the folder of its graphs."""

    def __init__(self, engines: Path) -> None:
        self._engines = engines
        self._digests: Dict[Tuple[Path, Optional[Stamp]], str] = {}
        self.styles: Dict[str, Path] = {}

    def describe(self, backend: Optional[str], seconds: Optional[float]) -> About:
        """What it has now; `backend` and `seconds` are known to its child process alone.

        Reads the disk: call it beside the event loop.
        """
        sketches = {style_vector_graph(), sketch_graph()} <= set(graphs_in(self._engines))
        self.styles = self._own_styles()
        return About(
            generators=tuple(models(self._engines)),
            styles=tuple(self.styles),
            largest=usual_sizes(usable_memory()).file,
            backend=backend,
            seconds=seconds,
            temperature=max(temperatures().values(), default=None),
            sketches=sketches,
            videos=sketches and find_spec("av") is not None,
        )

    def _own_styles(self) -> Dict[str, Path]:
        """The gallery's pictures by their SHA-256, without those that cannot be read."""
        found: Dict[str, Path] = {}
        for style in installed_styles().values():
            try:
                found[self._digest(style.path)] = style.path
            except OSError as error:
                _log.warning("A style is not offered to the bot: %s", error)
        return found

    def _digest(self, path: Path) -> str:
        """The SHA-256 of a file, computed again only when the file has changed."""
        key = path, stamp_of(path)
        if key not in self._digests:
            self._digests[key] = hashlib.sha256(path.read_bytes()).hexdigest()
        return self._digests[key]
