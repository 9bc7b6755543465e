"""The child process that paints: `python -m bot.painting.painter`, started by `bot.painting.client`.

One JSON object a line. In: `{"kind": "request", "request": {...}}` as
`PaintRequest.to_message` makes it, and
`{"kind": "cancel"}`, which stops the request that runs, if any. Out: `ready` once, and for each
request any number of `reading` and `progress` and then one of `done`, `refused`, `failed` and
`cancelled`; see `bot.painting.client`. `reading` names the picture that is decoded next, or none
when decoding is over: how long that may take is for the parent to say, since no thread here could
stop a decoder. It ends when its standard input does, in the middle of a request too.

Sketches are drawn beside that. In: `{"kind": "sketch", "number": 1, "request": {...}}` as
`SketchRequest.to_message` makes it, and `{"kind": "drop", "number": 1}`, after which there is no
answer. Out: `sketched` or `unsketched`, with the number.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import queue
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Callable, List, Mapping, Optional, Tuple

from bot.errors import PictureRefused
from bot.outcomes import PictureRole
from bot.painting.protocol import PaintRequest, PaintResult, SketchRequest
from bot.painting.reading import Say, read_picture, styles_of
from bot.painting.sketcher import Sketcher
from bot.painting.videos import repaint_video
from runtime import StylizeOptions, TranslateOptions, VideoOptions
from runtime.backends.kept import KeptGraphs
from runtime.errors import (
    BackendUnavailable,
    Cancelled,
    GraphMismatch,
    GraphMissing,
    JetbrushError,
    OptionError,
)
from runtime.files import atomic_write, remove_partial
from runtime.machine.resources import graphs_budget
from runtime.spec.folder import DEFAULT_ENGINES
from runtime.spec.turns import painting

if TYPE_CHECKING:
    from PIL import Image

    from runtime import Progress

    #: Each request, with the event that cancels it.
    Requests = queue.Queue[Tuple[PaintRequest, threading.Event]]

#: Another attempt would end in the same error.
LASTING = (OptionError, GraphMissing, GraphMismatch)

#: The share of the work between two previews, of which a film is made, and their longer side.
PREVIEW_EVERY, PREVIEW_SIDE = 1 / 16, 800

#: After so many seconds without a request the loaded graphs are closed, and the machine has their
#: memory for other work.
IDLE_SECONDS = 600

#: Added to the kernel's measure of whom to kill when memory runs out (proc(5), -1000 to 1000): the
#: child goes before the bot.
OOM_SCORE = 500

_log = logging.getLogger(__name__)


def main(arguments: Optional[List[str]] = None) -> None:
    """Serve tasks until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m bot.painting.painter")
    parser.add_argument("--engines", type=Path, metavar="DIR", default=DEFAULT_ENGINES)
    engines: Path = parser.parse_args(arguments).engines
    incoming, answers = _take_over_pipes()
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )

    saying = threading.Lock()

    def say(kind: str, **fields: object) -> None:
        with saying:
            answers.write(json.dumps({"kind": kind, **fields}) + "\n")
            answers.flush()

    _volunteer_for_oom_killer()
    requests: Requests = queue.Queue()
    sketcher = Sketcher(engines, say)
    listening = (incoming, requests, sketcher)
    threading.Thread(target=_listen, args=listening, daemon=True).start()
    say("ready", backend=_prepare(engines))
    sketcher.start()
    graphs = KeptGraphs(graphs_budget())
    handed = {"engines": engines, "graphs": graphs}
    between_steps = sketcher.let_finish
    while True:
        request, cancel = _next(requests, graphs)
        _serve(request, cancel, say, between_steps, handed)


def _take_over_pipes() -> Tuple[IO[str], IO[str]]:
    """Standard input and output, out of the reach of libraries, whose prints go to the log."""
    incoming = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return incoming, answers


def _volunteer_for_oom_killer() -> None:
    try:
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    except OSError as error:
        _log.info(
            "The kernel may kill the bot instead of the painter when memory runs out: %s", error
        )


def _listen(incoming: IO[str], requests: Requests, sketcher: Sketcher) -> None:
    """Pass on requests and cancel the latest; the end of input ends the process at once."""
    # Only this thread knows both, so a cancel can never meet the request after the one it was for.
    cancel = threading.Event()
    try:
        for line in incoming:
            message = json.loads(line)
            if message["kind"] == "request":
                cancel = threading.Event()
                requests.put((PaintRequest.from_message(message["request"]), cancel))
            elif message["kind"] == "sketch":
                sketcher.add(message["number"], SketchRequest.from_message(message["request"]))
            elif message["kind"] == "drop":
                sketcher.drop(message["number"])
            else:
                cancel.set()
    except (ValueError, TypeError, KeyError):
        _log.exception("A request could not be understood; the painter ends.")
        os._exit(os.EX_PROTOCOL)
    # Not sys.exit: the painting thread may be in the middle of a long evaluation.
    os._exit(os.EX_OK)


def _prepare(engines: Path) -> Optional[str]:
    """Import what painting needs, so that the first request need not wait; returns the backend."""
    import runtime.style_transfer
    import runtime.translation  # noqa: F401

    return _backend(engines)


def _backend(engines: Path) -> Optional[str]:
    """What the networks run on; with the first engine that is built it changes."""
    from runtime.backends import AUTO, candidates

    try:
        return next(candidates(AUTO, engines)).name
    except BackendUnavailable as error:
        _log.warning("%s", error)
        return None


def _next(requests: Requests, graphs: KeptGraphs) -> Tuple[PaintRequest, threading.Event]:
    """The next request; closes `graphs` if it is long in coming."""
    try:
        return requests.get(timeout=IDLE_SECONDS)
    except queue.Empty:
        graphs.close()
        return requests.get()


def _serve(
    request: PaintRequest,
    cancel: threading.Event,
    say: Say,
    between_steps: Callable[[], None],
    handed: Mapping[str, Any],
) -> None:
    """Paint one request and say how it ended."""
    reporter = _Reporter(request, say, between_steps)
    handed = {**handed, "on_progress": reporter.report, "cancel": cancel}
    try:
        with painting(handed["engines"]):
            result = _paint(request, reporter, say, handed)
        say("done", backend=_backend(handed["engines"]), **asdict(result))
    except Cancelled:
        say("cancelled")
    except PictureRefused as error:
        refusal = error.refusal
        say("refused", message=str(error), picture=refusal.picture, reason=refusal.reason)
    except JetbrushError as error:
        say("failed", message=str(error), retriable=not isinstance(error, LASTING))
    except (OSError, MemoryError) as error:
        # Anything else is a mistake of ours: it ends this process, with its traceback in the log.
        say("failed", message=f"{type(error).__name__}: {error}", retriable=True)


def _paint(
    request: PaintRequest, reporter: _Reporter, say: Say, handed: Mapping[str, Any]
) -> PaintResult:
    """`handed` holds what `stylize` and `translate` take for every request."""
    began = time.monotonic()
    if isinstance(request.options, VideoOptions):
        made = repaint_video(request, request.options, say, handed)
        seconds = round(time.monotonic() - began, 3)
        return PaintResult(seconds, reporter.steps_done, *made.size)
    photo = read_picture(PictureRole.PHOTO, request.photo, say)
    if isinstance(request.options, TranslateOptions):
        painted = _translate(request, request.options, photo, handed)
    else:
        painted = _stylize(request, request.options, photo, say, handed)
    # This process may have been killed while it wrote the picture of an earlier attempt.
    remove_partial(Path(request.output))
    # Little compression: the full one takes seconds on a Jetson for a few per cent.
    _save(painted, Path(request.output), "PNG", lasting=True, compress_level=1)
    return PaintResult(
        seconds=round(time.monotonic() - began, 3),
        steps=reporter.steps_done,
        width=painted.width,
        height=painted.height,
    )


def _stylize(
    request: PaintRequest,
    options: StylizeOptions,
    photo: Image.Image,
    say: Say,
    handed: Mapping[str, Any],
) -> Image.Image:
    from runtime import stylize

    return stylize(photo, styles_of(request, say), options, **handed)


def _translate(
    request: PaintRequest, options: TranslateOptions, photo: Image.Image, handed: Mapping[str, Any]
) -> Image.Image:
    from runtime import translate

    if request.model is None:
        raise OptionError("The request names no model; expected an installed generator.")
    return translate(photo, request.model, options, **handed)


def _save(
    image: Image.Image, path: Path, file_format: str, *, lasting: bool, **options: int
) -> None:
    """Write a picture whole or not at all; one that is `lasting` is there after a power cut too."""
    with atomic_write(path, durable=lasting) as file:
        image.save(file, file_format, **options)


class _Reporter:
    """Says each step, now and then with a preview, and lets others work between two steps."""

    def __init__(self, request: PaintRequest, say: Say, between_steps: Callable[[], None]) -> None:
        self._preview = request.preview
        self._say = say
        self._between_steps = between_steps
        self._shown = 0.0
        self.steps_done = 0

    def report(self, progress: Progress) -> None:
        """Say one step."""
        self.steps_done = progress.step
        share = progress.share
        shown = share - self._shown >= PREVIEW_EVERY and share < 1
        if shown:
            picture = progress.draw()
            picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
            _save(picture, self._preview, "JPEG", lasting=False, quality=85)
            self._shown = share
        self._say("progress", share=share, step=progress.step, steps=progress.steps, preview=shown)
        self._between_steps()


if __name__ == "__main__":
    main()
