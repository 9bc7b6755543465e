"""Single stages of a painting, without the other."""

from __future__ import annotations

import contextlib
from typing import Iterator, Optional

import pytest
from PIL import Image

from runtime.backends import backend_class
from runtime.backends.kept import GraphsOf, KeptGraphs
from runtime.catalog.styles import find_style
from runtime.gatys import graphs
from runtime.gatys.coarse import paint_coarse
from runtime.gatys.fine import FineStage
from runtime.gatys.job import PaintingJob
from runtime.gatys.report import Reports, Work
from runtime.gatys.targets import WeightedStyle
from runtime.imaging.colour import match_colours
from runtime.imaging.reading import read_picture, to_array, to_image
from runtime.options import StylizeOptions

#: So many pixels are never painted in tiles.
UNTILED = 10**9


def small_style(name="night-swirls"):
    """A bundled style in few pixels."""
    return read_picture(find_style(name)).resize((160, 120), Image.Resampling.LANCZOS)


def job_for(
    photo: Image.Image, styles=None, keep: Optional[Image.Image] = None, cancel=None, **options
) -> PaintingJob:
    """A painting of `photo`; nothing of it is kept by default."""
    styles = styles or [WeightedStyle(small_style())]
    kept = keep or Image.new("L", photo.size)
    return PaintingJob(photo, styles, kept, StylizeOptions(**options), cancel)


def motifs_for(job: PaintingJob) -> Image.Image:
    """What the coarse stage might paint: the photo, small, in the colours of the style."""
    small = job.photo.resize((job.photo.width // 3, job.photo.height // 3))
    style = to_array(job.styles[0].picture)
    return to_image(match_colours(to_array(small), style))


def paint_fine(
    job: PaintingJob,
    engines,
    *,
    backend="onnxrt",
    tile_pixels=UNTILED,
    on_progress=lambda progress: None,
) -> Image.Image:
    """The strokes, in tiles of at most `tile_pixels`; `backend` is a name or a class."""
    with pytest.MonkeyPatch.context() as patch, opened(engines, backend) as of_backend:
        patch.setattr(graphs, "TILE_PIXELS", tile_pixels)
        stage = FineStage(graphs.fine_graphs(job.options, of_backend), job)
        return stage.paint(motifs_for(job), Reports(on_progress, stage.work), 0)


def paint_motifs(job: PaintingJob, engines, backend="onnxrt") -> Image.Image:
    """The coarse stage's painting."""
    report = Reports(lambda progress: None, [Work(job.options.steps, 1)]).of(0)
    with opened(engines, backend) as of_backend:
        return paint_coarse(graphs.coarse_graphs(job.options, of_backend), job, report)


@contextlib.contextmanager
def opened(engines, backend="onnxrt") -> Iterator[GraphsOf]:
    """The graphs in `engines` on a backend, given by name or class; they are closed at the end."""
    backend = backend_class(backend) if isinstance(backend, str) else backend
    with KeptGraphs() as kept:
        yield GraphsOf(kept, backend, engines)
