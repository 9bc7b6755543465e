"""Paints the photos of a command one after the other, with one progress bar over all."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Callable, List, NoReturn, Optional, Sequence

from PIL import Image

from runtime.backends.kept import KeptGraphs
from runtime.cli.tasks import Task
from runtime.errors import (
    BackendUnavailable,
    GraphMismatch,
    GraphMissing,
    JetbrushError,
    OptionError,
)
from runtime.exit_codes import FAILED, INTERRUPTED
from runtime.imaging.reading import read_picture
from runtime.imaging.writing import check_writable, write_picture
from runtime.machine.resources import graphs_budget
from runtime.progress import OnProgress, Progress

if TYPE_CHECKING:
    from tqdm import tqdm

#: Makes a painting from a photo, with graphs that all photos of the command share.
Paint = Callable[[Image.Image, OnProgress, KeptGraphs], Image.Image]

#: Errors that every further photo would end in too.
_LASTING = (OptionError, GraphMissing, GraphMismatch, BackendUnavailable)


def paint_all(tasks: Sequence[Task], paint: Paint) -> int:
    """Paint each photo and write its painting; returns the exit code.

    Prints each file that was written. Of several photos, one that cannot be painted is left out and
    named at the end, and after Ctrl-C those that are left are named. The error of a single photo is
    raised, and so is one that concerns all of them.
    """
    failures: List[str] = []
    done = 0
    bar = Bar(len(tasks))
    try:
        with bar, _graphs_for(tasks) as graphs:
            for task in tasks:
                try:
                    bar.write(_paint(task, paint, bar, graphs))
                except _LASTING:
                    raise
                except JetbrushError as error:
                    if len(tasks) == 1:
                        raise
                    failures.append(_failure(task, error))
                done += 1
                bar.finish(done)
    except (KeyboardInterrupt, *_LASTING) as error:
        if len(tasks) == 1:
            raise
        _print_failures(failures, len(tasks))
        left = ", ".join(str(task.photo) for task in tasks[done:])
        count = f"{done - len(failures)} of {len(tasks)} photos"
        print(f"stopped; {count} are painted, these are left: {left}", file=sys.stderr)
        if not isinstance(error, KeyboardInterrupt):
            raise
        return INTERRUPTED
    _print_failures(failures, len(tasks))
    return FAILED if failures else 0


def _paint(task: Task, paint: Paint, bar: Bar, graphs: KeptGraphs) -> str:
    """Paint one photo; returns the line that says what was written."""
    photo = read_picture(task.photo)
    # Before the work.
    check_writable(task.output, photo.size)
    painted = paint(photo, bar.update, graphs)
    write_picture(painted, task.output)
    return f"{task.output}: {painted.width}x{painted.height}"


def _failure(task: Task, error: JetbrushError) -> str:
    """What is wrong with a photo; many messages name it."""
    text = str(error)
    return text if str(task.photo) in text else f"{task.photo}: {text}"


def _graphs_for(tasks: Sequence[Task]) -> KeptGraphs:
    """Graphs that may take more memory where several photos use them."""
    return KeptGraphs() if len(tasks) == 1 else KeptGraphs(graphs_budget())


def _print_failures(failures: Sequence[str], count: int) -> None:
    if failures:
        print(f"{len(failures)} of {count} photos could not be painted:", file=sys.stderr)
        for failure in failures:
            print(f"  {failure}", file=sys.stderr)


class Bar:
    """A progress bar on standard error, with the step, and the loss if there is one, beside it.

    It appears with the first step, or with the first of several photos.
    """

    def __init__(self, photos: int) -> None:
        self._photos = photos
        self._done = 0
        self._shown: Optional[tqdm[NoReturn]] = None

    def __enter__(self) -> Bar:
        """Nothing is shown yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bar as it is."""
        if self._shown is not None:
            self._shown.close()

    def update(self, progress: Progress) -> None:
        """Show how far the present photo is."""
        loss = "" if progress.loss is None else f", loss={progress.loss:.3g}"
        step = f"step {progress.step}/{progress.steps}{loss}"
        self._bar.set_postfix_str(step, refresh=False)
        self._bar.update(self._done + progress.share - self._bar.n)

    def finish(self, done: int) -> None:
        """Show that `done` photos are done: a painting that needed fewer steps is complete too."""
        self._done = done
        if self._shown is not None or self._photos > 1:
            self._bar.update(done - self._bar.n)

    def write(self, line: str) -> None:
        """Print a line on standard output, above the bar."""
        if self._shown is None:
            print(line)
        else:
            self._shown.write(line, file=sys.stdout)

    @property
    def _bar(self) -> tqdm[NoReturn]:
        from tqdm import tqdm

        if self._shown is None:
            self._shown = tqdm(
                total=self._photos,
                desc="painting" if self._photos == 1 else f"painting {self._photos} photos",
                bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
                dynamic_ncols=True,
            )
        return self._shown
