"""The coarse stage: the style's motifs, painted small."""

from __future__ import annotations

import numpy as np
from PIL import Image

from runtime.gatys.descent import Descent, descend
from runtime.gatys.graphs import StageGraphs
from runtime.gatys.job import PaintingJob
from runtime.gatys.keep import content_map
from runtime.gatys.report import Report
from runtime.gatys.targets import WeightedStyle, inverse_mean_square, style_grams, weights_of
from runtime.imaging.colour import match_colours
from runtime.imaging.finish import denoise_chroma
from runtime.imaging.frame import frame_for
from runtime.imaging.reading import to_array, to_image
from runtime.progress import check_cancel
from runtime.spec.engine_sizes import MARGINS, Stage

#: Pixels of reflection around the photo. An engine's few pixels can spare only half of them; the
#: outermost rows of a small test picture are then 18 of 255 off, and less than 14 with these.
MARGIN = 8

#: Standard deviation of the noise on the picture that the painting starts from.
NOISE = 0.02

#: The weight of the content where the photo is kept; elsewhere it is 1. With 8 a face looks
#: pasted in.
KEEP_WEIGHT = 3.0

#: Longer side in pixels at which the colours of a style are measured.
_PALETTE_SIDE = 256


def paint_coarse(stage: StageGraphs, job: PaintingJob, report: Report) -> Image.Image:
    """The photo with the motifs of the styles, RGB, `size` pixels on its longer side.

    The photo is continued by reflection while it is painted: the network's zero padding gives the
    outermost pixels a colour cast. Raises `Cancelled`, `BackendError`.
    """
    sizes = stage.graphs.sizes(stage.gatys)
    frame = frame_for(
        job.photo.size,
        longest=job.options.size,
        multiple=stage.objective.stride,
        margin=MARGINS[Stage.COARSE] if sizes else MARGIN,
        sizes=sizes,
    )
    photo = frame.put(job.photo)
    feeds = style_grams(stage, job.styles, job.style_side(max(frame.size)), cancel=job.cancel)
    feeds["style_weights"] = weights_of(stage, feeds, job.options.strength)
    check_cancel(job.cancel)
    with stage.open(stage.features, photo) as backend:
        feeds["content"] = backend.run({"image": photo})["content"]
    keep = frame.picture(job.keep.convert("RGB")).convert("L")
    feeds["content_map"] = content_map(feeds["content"], keep, KEEP_WEIGHT)
    feeds["content_weight"] = inverse_mean_square(feeds["content"])
    with stage.open(stage.gatys, photo) as backend:
        best = descend(
            backend,
            feeds,
            _start(photo, job),
            Descent(job.options.steps),
            lambda state: report(state, lambda: to_image(frame.cut(state.best))),
            cancel=job.cancel,
        )
    return denoise_chroma(to_image(frame.cut(best)))


def _start(photo: np.ndarray, job: PaintingJob) -> np.ndarray:
    """The photo in the styles' colours, with noise so that a flat sky has a gradient too."""
    rng = np.random.default_rng(job.options.seed)
    start = rng.standard_normal(photo.shape, np.float32) * np.float32(NOISE)
    whole = sum(style.weight for style in job.styles)
    for style in job.styles:
        start += match_colours(photo, _palette(style)) * np.float32(style.weight / whole)
    return np.clip(start, 0, 1)


def _palette(style: WeightedStyle) -> np.ndarray:
    small = style.picture.copy()
    small.thumbnail((_PALETTE_SIDE, _PALETTE_SIDE), Image.Resampling.BOX)
    return to_array(small)
