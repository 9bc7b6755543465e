"""Gatys' style transfer: a photo takes on the style of a picture.

Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence, Type, Union

from PIL import Image

from runtime.backends import candidates, first_success
from runtime.backends.base import Backend
from runtime.gatys.coarse import paint_coarse
from runtime.gatys.fine import STEPS, FineStage
from runtime.gatys.graphs import coarse_graphs, fine_graphs
from runtime.gatys.report import Reports, Work
from runtime.gatys.targets import WeightedStyle
from runtime.imaging.finish import enlarge, with_colours_of
from runtime.imaging.limits import check_size
from runtime.options import StylizeOptions
from runtime.progress import Event, OnProgress
from runtime.spec.folder import DEFAULT_ENGINES

#: How much of the photo's fine luminance is added to strokes that are painted smaller than it.
DETAIL = 0.5

#: Strokes are painted at this size at least, whatever the photo's size.
LEAST_FINE = 512


def stylize(
    content: Image.Image,
    style: Union[Image.Image, Sequence[WeightedStyle]],
    options: Optional[StylizeOptions] = None,
    *,
    keep: Optional[Image.Image] = None,
    engines: Path = DEFAULT_ENGINES,
    on_progress: OnProgress = lambda progress: None,
    cancel: Optional[Event] = None,
) -> Image.Image:
    """Repaint `content` in the style of `style`; all pictures are RGB, of any size.
    """
    options = options or StylizeOptions()
    styles = [WeightedStyle(style)] if isinstance(style, Image.Image) else list(style)
    for picture in (content, *(each.picture for each in styles)):
        check_size(*picture.size)

    def paint(backend: Type[Backend]) -> Image.Image:
        return _paint(backend, content, styles, keep, options, engines, on_progress, cancel)

    result = first_success(candidates(options.backend, engines), paint)
    return with_colours_of(content, result) if options.keep_colours else result


def _paint(backend, content, styles, keep, options, engines, on_progress, cancel) -> Image.Image:
    coarse = coarse_graphs(options, backend, engines)
    fine = fine_graphs(options, backend, engines)
    kept = keep if keep is not None else Image.new("L", content.size)
    size = _fine_size(content.size, options.fine)
    at_fine = content if size == content.size else content.resize(size, Image.Resampling.LANCZOS)
    kept_fine = kept if size == content.size else kept.resize(size, Image.Resampling.BILINEAR)
    strokes = FineStage(fine, at_fine, options)
    fine_pixels = strokes.tiles[0].size[0] * strokes.tiles[0].size[1]
    ratio = size[1] / size[0]
    coarse_pixels = options.size**2 * min(ratio, 1 / ratio)
    parts = [Work(options.steps, coarse_pixels * coarse.objective.cost)]
    parts += [Work(min(STEPS, options.steps), fine_pixels * fine.objective.cost)] * len(strokes.tiles)
    reports = Reports(on_progress, parts)
    motifs = paint_coarse(coarse, content, styles, kept, options, reports.of(0), cancel)
    painted = strokes.paint(motifs, styles, kept_fine, reports, cancel)
    return enlarge(painted, content, DETAIL)


def _fine_size(photo, longest):
    side = min(longest, max(LEAST_FINE, max(photo)))
    scale = side / max(photo)
    return max(1, round(photo[0] * scale)), max(1, round(photo[1] * scale))
