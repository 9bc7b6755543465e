"""Gatys' style transfer: a photo takes on the style of a picture.

Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Optional, Sequence, Type, Union

from PIL import Image

from runtime.backends import candidates, first_success
from runtime.backends.base import Backend
from runtime.backends.kept import GraphsOf, KeptGraphs, kept_or_new
from runtime.gatys.coarse import paint_coarse
from runtime.gatys.fine import FineStage
from runtime.gatys.graphs import coarse_graphs, fine_graphs
from runtime.gatys.job import PaintingJob
from runtime.gatys.keep import keep_map
from runtime.gatys.report import Reports, Work
from runtime.gatys.targets import WeightedStyle, weighted_styles
from runtime.imaging.finish import enlarge, with_colours_of
from runtime.imaging.limits import check_size
from runtime.options import StylizeOptions
from runtime.progress import Event, OnProgress
from runtime.spec.engines import Size
from runtime.spec.folder import DEFAULT_ENGINES

#: How much of the photo's fine luminance is added where the strokes are painted smaller than it.
DETAIL = 0.5

#: The strokes of a small photo are painted at this size and then scaled to it.
SMALL_PHOTO = 512


def stylize(
    content: Image.Image,
    style: Union[Image.Image, Sequence[WeightedStyle]],
    options: Optional[StylizeOptions] = None,
    *,
    keep: Optional[Image.Image] = None,
    engines: Path = DEFAULT_ENGINES,
    graphs: Optional[KeptGraphs] = None,
    on_progress: OnProgress = lambda progress: None,
    cancel: Optional[Event] = None,
) -> Image.Image:
    """Repaint `content` in the style of `style`, one picture or several with their weights.

    The pictures are RGB, of any sizes; the result has the size of `content`. First the motifs are
    painted at `options.size`, then the strokes at the photo's size, up to `options.fine`. Where
    the mask `keep`, of any mode and size, is white, the photo stays recognisable.

    `engines` is the folder of the graphs. `graphs` keeps them loaded for the next photo; without
    it, they are closed at the end. Calls `on_progress` after every evaluation, and stops within one
    evaluation once `cancel` is set. When a backend fails, the next one starts again.

    Raises `Cancelled`, `PictureError` for a picture too small or too large, `GraphMissing` when
    the graphs are not in `engines`, another `BackendError` when every backend fails, `OptionError`
    for no style or a weight that is not positive.
    """
    options = options or StylizeOptions()
    styles = weighted_styles(style)
    for picture in (content, *(each.picture for each in styles)):
        check_size(*picture.size)

    def paint(backend: Type[Backend]) -> Image.Image:
        opened = GraphsOf(kept, backend, engines)
        job = PaintingJob(
            content, styles, keep_map(content, keep, options, opened), options, cancel
        )
        return _paint(job, opened, on_progress)

    with kept_or_new(graphs) as kept:
        painted = first_success(candidates(options.backend, engines), paint)
    result = enlarge(painted, content, DETAIL)
    return with_colours_of(content, result) if options.keep_colours else result


def _paint(job: PaintingJob, graphs: GraphsOf, on_progress: OnProgress) -> Image.Image:
    """Both stages, on one backend."""
    coarse = coarse_graphs(job.options, graphs)
    size = _fine_size(job.photo.size, job.options.fine)
    photo = job.photo.resize(size, Image.Resampling.LANCZOS)
    fine = FineStage(fine_graphs(job.options, graphs), replace(job, photo=photo))
    pixels = job.options.size**2 * min(size) / max(size)
    motifs_work = Work(job.options.steps, pixels * coarse.objective.cost)
    reports = Reports(on_progress, [motifs_work, *fine.work])
    motifs = paint_coarse(coarse, job, reports.of(0))
    return fine.paint(motifs, reports, first_part=1)


def _fine_size(photo: Size, most: int) -> Size:
    """The photo's size, scaled so that its longer side is from `SMALL_PHOTO` to `most` pixels."""
    longest = max(photo)
    scale = min(most, max(SMALL_PHOTO, longest)) / longest
    return max(1, round(photo[0] * scale)), max(1, round(photo[1] * scale))
