"""The painter's sketches: drawn in a thread of their own, while a painting waits between its steps.

A step may take seconds, and a user waits for the sketch. So a sketch begins beside the step that runs,
and the next step waits for it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Iterator, Optional, Tuple

from bot.errors import PictureRefused
from bot.outcomes import PictureRole
from bot.painting.protocol import Look, SketchRequest
from bot.painting.reading import Say, read_picture
from runtime.backends.kept import KeptGraphs
from runtime.errors import Cancelled, JetbrushError
from runtime.files import Stamp, atomic_write, stamp_of
from runtime.spec.folder import onnx_path
from runtime.spec.graphs import sketch_graph, style_vector_graph
from runtime.spec.turns import painting

if TYPE_CHECKING:
    from runtime.sketching import StyleVector

    #: Each request with its number and the event that drops it.
    _Requests = queue.Queue[Tuple[int, SketchRequest, threading.Event]]

#: How many seconds a step of a painting waits for sketches.
STEP_ASIDE = 1.0

#: Bytes that the graphs of sketches may use.
GRAPHS = 200 << 20

#: After so many seconds without a request the graphs are closed.
IDLE_SECONDS = 600

#: Seconds that a picture may take to decode.
DECODING = 30.0

#: How many styles are remembered by their files.
MOST_STYLES = 64

_QUALITY = 88

_log = logging.getLogger(__name__)


class Sketcher:
    """Sketches one request after the other, with the graphs in `engines`, once it is started."""

    def __init__(self, engines: Path, say: Say) -> None:
        self._engines = engines
        self._say = say
        self._graphs = KeptGraphs(GRAPHS)
        self._styles = _KnownStyles(engines, self._graphs)
        self._requests: _Requests = queue.Queue()
        self._drops: Dict[int, threading.Event] = {}
        self._idle = threading.Event()
        self._idle.set()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, daemon=True).start()

    def add(self, number: int, request: SketchRequest) -> None:
        """Sketch this after the others; the answer has its number."""
        drop = self._drops[number] = threading.Event()
        self._idle.clear()
        self._requests.put((number, request, drop))

    def drop(self, number: int) -> None:
        """Do not draw this any more; it gets no answer."""
        event = self._drops.get(number)
        if event is not None:
            event.set()

    def let_finish(self) -> None:
        """Wait while there are sketches to draw, `STEP_ASIDE` seconds at most."""
        self._idle.wait(STEP_ASIDE)

    def _run(self) -> None:
        try:
            while True:
                self._serve_next()
        except Exception:  # noqa: BLE001 - it is logged, and ends the process
            # Without this thread no sketch would be answered, and each step of a painting would wait.
            _log.exception("The sketches failed; the painter ends.")
            os._exit(os.EX_SOFTWARE)

    def _serve_next(self) -> None:
        try:
            number, request, drop = self._requests.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            self._graphs.close()
            return
        self._serve(number, request, drop)
        del self._drops[number]
        # A request that is added just now is drawn beside the next step, which does no harm.
        if self._requests.empty():
            self._idle.set()

    def _serve(self, number: int, request: SketchRequest, drop: threading.Event) -> None:
        """Draw one request and say how it ended."""
        try:
            with painting(self._engines):
                self._draw(request, drop)
        except Cancelled:
            return
        except (PictureRefused, JetbrushError, OSError, MemoryError) as error:
            self._say("unsketched", number=number, message=str(error) or type(error).__name__)
        else:
            self._say("sketched", number=number)

    def _draw(self, request: SketchRequest, drop: threading.Event) -> None:
        from runtime.progress import check_cancel
        from runtime.sheets import numbered_sheet
        from runtime.sketching import reduced, sketches

        check_cancel(drop)
        # Now, or the photo would be decoded and each backend tried first.
        for graph in (style_vector_graph(), sketch_graph()):
            onnx_path(graph, self._engines)
        with _time_to_decode():
            photo = read_picture(PictureRole.PHOTO, request.photo)
        # The sketches need no more pixels, and a photo may have fifty million.
        photo = reduced(photo, request.options.size)
        looks = [self._styles.vector(look, drop) for look in request.looks]
        drawn = sketches(
            photo, looks, request.options, engines=self._engines, graphs=self._graphs, cancel=drop
        )
        picture = numbered_sheet(drawn) if len(drawn) > 1 else drawn[0]
        with atomic_write(Path(request.output)) as file:
            picture.save(file, "JPEG", quality=_QUALITY)


@contextlib.contextmanager
def _time_to_decode() -> Iterator[None]:
    """End this process if the block takes more than `DECODING` seconds.

    No thread can stop a decoder, and a painting would wait for it at each of its steps.
    """
    timer = threading.Timer(DECODING, _give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _give_up() -> None:
    _log.error("A picture to sketch takes more than %.0f s to decode; the painter ends.", DECODING)
    os._exit(os.EX_SOFTWARE)


class _KnownStyles:
    """The vectors of style pictures, kept by the files that they were read from."""

    def __init__(self, engines: Path, graphs: KeptGraphs) -> None:
        self._engines = engines
        self._graphs = graphs
        # The least recently used first.
        self._known: OrderedDict[Tuple[str, Optional[Stamp]], StyleVector] = OrderedDict()

    def vector(self, look: Look, drop: threading.Event) -> StyleVector:
        """The vector of a style or of a mix."""
        from runtime.sketching import mixed_vector

        return mixed_vector([(self._of_file(file.path, drop), file.weight) for file in look])

    def _of_file(self, path: str, drop: threading.Event) -> StyleVector:
        from runtime.sketching import style_vector

        key = path, stamp_of(Path(path))
        if key not in self._known:
            with _time_to_decode():
                picture = read_picture(PictureRole.STYLE, path)
            self._known[key] = style_vector(
                picture, engines=self._engines, graphs=self._graphs, cancel=drop
            )
            while len(self._known) > MOST_STYLES:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]
