"""The fine stage: the strokes, painted at the size of the result, tile by tile if it is large.

A tile is painted by itself, so that memory does not grow with the picture. Its Gram targets are the
style's, shifted by what sets the tile apart from the whole picture before painting: G_tile - G_all.
A tile that is all sky may stay so, and the mean over all tiles is still the style's. Without tiles
nothing is shifted. Where tiles overlap, they start from the same motifs and the same noise: both
paint nearly the same strokes, and pass into each other without a seam.
"""

from __future__ import annotations

from typing import ContextManager, Dict, List, Tuple

import numpy as np
from PIL import Image

from runtime.backends.base import Backend
from runtime.gatys.descent import Descent, descend
from runtime.gatys.graphs import StageGraphs
from runtime.gatys.job import PaintingJob
from runtime.gatys.keep import content_map
from runtime.gatys.report import Report, Reports, Work
from runtime.gatys.targets import inverse_mean_square, style_grams, weights_of
from runtime.gatys.tiles import OVERLAP, Tile
from runtime.imaging.finish import enlarge
from runtime.imaging.frame import Frame, frame_for
from runtime.imaging.limits import strips
from runtime.imaging.reading import to_array, to_image
from runtime.progress import check_cancel
from runtime.spec.engine_sizes import MARGINS, Stage
from runtime.spec.engines import Size
from runtime.spec.graphs import GraphSpec

#: The descent of each tile. The loss falls to a tenth; `lbfgs.SCALE` is too bold so near the start:
#: with it every other step of the first ten fails.
DESCENT = Descent(steps=10, first_step=0.03, scale=2.0)

#: Standard deviation of the grey noise on the picture that painting starts from: the enlarged
#: motifs are smooth, and a smooth picture gives strokes hardly any direction.
NOISE = 0.03

#: How much of the photo's fine luminance the strokes follow, and how much where it is kept. With 0.3
#: small things dissolve, such as firs on a ridge; with 1 it looks printed over the paint.
DETAIL, KEEP_DETAIL = 0.65, 0.75

#: The weight of the content where the photo is kept; elsewhere it is 1.
KEEP_WEIGHT = 1.5

#: With engines, a photo is painted in tiles if it is so many times larger than the largest one;
#: a smaller photo is painted at the engine's size.
TILED_FROM = 1.25

#: The largest longer side of a preview in pixels.
PREVIEW = 1280

Grams = Dict[str, np.ndarray]


class FineStage:
    """The fine stage of one painting; `job.photo` has the size of the strokes."""

    def __init__(self, stage: StageGraphs, job: PaintingJob) -> None:
        self._stage = stage
        self._job = job
        self._frame = _frame(stage, job.photo.size)
        self._tiles = stage.tiles(stage.gatys, self._frame.size)
        self._descent = DESCENT.at_most(job.options.steps)

    @property
    def work(self) -> Tuple[Work, ...]:
        """The evaluations of each tile."""
        width, height = self._tiles[0].size
        cost = width * height * self._stage.objective.cost
        return (Work(self._descent.steps, cost),) * len(self._tiles)

    def paint(self, motifs: Image.Image, reports: Reports, first_part: int) -> Image.Image:
        """`motifs`, from the coarse stage, with strokes: RGB, of the photo's size.

        Reports the tiles as the parts from `first_part` on. Raises `Cancelled`, `BackendError`.
        """
        job, stage = self._job, self._stage
        keep = job.keep.resize(job.photo.size, Image.Resampling.BILINEAR)
        ground = self._frame.picture(enlarge(motifs, job.photo, DETAIL, (keep, KEEP_DETAIL)))
        keep = self._frame.picture(keep.convert("RGB")).convert("L")
        style = style_grams(stage, job.styles, job.style_side(max(self._frame.size)), job.cancel)
        weights = weights_of(stage, style, job.options.strength)
        shifts, content_weight, content = self._survey(ground)
        start = self._with_grain(ground)
        canvas = start.copy()
        for number, (tile, shift) in enumerate(zip(self._tiles, shifts)):
            check_cancel(job.cancel)
            if len(self._tiles) > 1:
                # One graph at a time: at 688x528 the two take 1.0 GB with OpenVINO in float32.
                with self._open(stage.features) as features:
                    content = features.run({"image": to_array(ground.crop(tile.box))})["content"]
            feeds = {name: style[name] + shift[name] for name in shift}
            feeds["style_weights"] = weights
            feeds["content"] = content
            feeds["content_map"] = content_map(content, keep.crop(tile.box), KEEP_WEIGHT)
            feeds["content_weight"] = content_weight
            with self._open(stage.gatys) as gatys:
                report = reports.of(first_part + number)
                self._paint_tile(gatys, feeds, tile, start.crop(tile.box), canvas, report)
        return canvas.crop(self._frame.box).resize(job.photo.size, Image.Resampling.BICUBIC)

    def _paint_tile(
        self,
        gatys: Backend,
        feeds: Grams,
        tile: Tile,
        start: Image.Image,
        canvas: Image.Image,
        report: Report,
    ) -> None:
        """Paint a tile from `start`, and replace its share of the start in `canvas`."""
        begun = to_array(start)
        best = descend(
            gatys,
            feeds,
            begun,
            self._descent,
            lambda state: report(state, lambda: self._drawn(canvas, tile, state.best)),
            cancel=self._job.cancel,
        )
        painted = to_array(canvas.crop(tile.box)) + (best - begun) * tile.share()
        canvas.paste(to_image(painted), tile.box)

    def _with_grain(self, ground: Image.Image) -> Image.Image:
        """`ground` with the noise that painting starts from.

        Where tiles overlap they have the same noise, so that their strokes meet.
        """
        rng = np.random.default_rng(self._job.options.seed)
        result = Image.new("RGB", ground.size)
        for box in strips(*ground.size):
            part = to_array(ground.crop(box))
            grain = rng.standard_normal((1, 1, *part.shape[2:]), np.float32) * np.float32(NOISE)
            result.paste(to_image(part + grain), box)
        return result

    def _drawn(self, canvas: Image.Image, tile: Tile, painted: np.ndarray) -> Image.Image:
        """The painting so far, its longer side at most `PREVIEW` pixels."""
        drawn = canvas.crop(self._frame.box)
        left, top = self._frame.start
        drawn.paste(to_image(painted), (tile.left - left, tile.top - top))
        drawn.thumbnail((PREVIEW, PREVIEW))
        return drawn

    def _survey(self, ground: Image.Image) -> Tuple[List[Grams], np.ndarray, np.ndarray]:
        """How each tile's Gram matrices differ from the mean, and the weight of the content.

        Also the last tile's content: all of them together are too large to keep.
        """
        grams, squares = [], []
        with self._open(self._stage.features) as features:
            for tile in self._tiles:
                check_cancel(self._job.cancel)
                found = features.run({"image": to_array(ground.crop(tile.box))})
                content = found.pop("content")
                squares.append(inverse_mean_square(content))
                grams.append(found)
        mean = {name: sum(each[name] for each in grams) / len(grams) for name in grams[0]}
        shifts = [{name: each[name] - mean[name] for name in mean} for each in grams]
        return shifts, 1 / np.mean([1 / each for each in squares], axis=0), content

    def _open(self, graph: GraphSpec) -> ContextManager[Backend]:
        return self._stage.graphs.open(graph, self._tiles[0].size)


def _frame(stage: StageGraphs, photo: Size) -> Frame:
    """The frame of the strokes: an engine's picture, or one that holds at least one such tile."""
    margin = MARGINS[Stage.FINE]
    longest = max(photo) + 2 * margin
    multiple = stage.objective.stride
    free = frame_for(photo, longest=longest, multiple=multiple, margin=margin)
    sizes = stage.graphs.sizes(stage.gatys)
    if not sizes:
        return free
    single = frame_for(photo, longest=longest, multiple=multiple, margin=margin, sizes=sizes)
    if longest <= TILED_FROM * max(single.size) or min(single.size) <= 2 * OVERLAP:
        return single
    width, height = (max(pair) for pair in zip(free.size, single.size))
    return Frame((width, height), free.inner)
