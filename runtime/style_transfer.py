"""Gatys' style transfer: a photo takes on the style of a picture.

Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Deque, Dict, Mapping, Optional, Tuple, Type

import numpy as np
from PIL import Image, ImageOps

from runtime import lbfgs
from runtime.backends import AUTO, candidates, first_success
from runtime.backends.base import Backend
from runtime.errors import BackendError
from runtime.imaging.colour import match_colours
from runtime.imaging.finish import denoise_chroma, enlarge, with_colours_of
from runtime.imaging.frame import Frame, frame_for
from runtime.imaging.limits import check_size
from runtime.imaging.reading import to_array, to_image
from runtime.options import StylizeOptions
from runtime.progress import Event, OnProgress, Progress, check_cancel
from runtime.spec.engines import Size
from runtime.spec.folder import DEFAULT_ENGINES, best_objective, recorded_weights
from runtime.spec.graphs import GraphSpec, features_graph, gatys_graph, gram_name
from runtime.spec.vgg import OBJECTIVES, Objective

#: Painting stops when, after at least `PATIENCE_FROM` evaluations, the last `PATIENCE` of them have
#: reduced the loss by less than the share `MIN_GAIN`.
PATIENCE_FROM, PATIENCE, MIN_GAIN = 40, 10, 0.02

#: Pixels of reflection around the photo while it is painted. The network's zero padding gives the
#: outermost pixels a colour cast; they are cut off afterwards.
MARGIN = 8

#: Standard deviation of the noise on the picture that the painting starts from.
NOISE = 0.02


def stylize(
    content: Image.Image,
    style: Image.Image,
    options: Optional[StylizeOptions] = None,
    *,
    engines: Path = DEFAULT_ENGINES,
    on_progress: OnProgress = lambda progress: None,
    cancel: Optional[Event] = None,
) -> Image.Image:
    """Repaint `content` in the style of `style`; both and the result are RGB, of any two sizes.

    The result has the size of `content`. `engines` is the folder of the graphs. Calls
    `on_progress` after every evaluation, and stops within one evaluation once `cancel` is set.
    When a backend fails, the next one starts again.

    Raises `Cancelled`, `PictureError` for a picture too small or too large, `GraphMissing` when
    the graphs are not in `engines`, another `BackendError` when every backend fails.
    """
    options = options or StylizeOptions()
    check_size(*content.size)
    check_size(*style.size)
    graphs = _graphs_for(options, engines)

    def paint(backend: Type[Backend]) -> Image.Image:
        return _Job(backend, graphs, options, on_progress, cancel).paint(content, style)

    painted = first_success(candidates(options.backend, engines), paint)
    result = enlarge(painted, content)
    return with_colours_of(content, result) if options.keep_colours else result


@dataclass(frozen=True)
class _Graphs:
    """The graphs of one objective, and the folder that holds them."""

    objective: Objective
    features: GraphSpec
    gatys: GraphSpec
    folder: Path


def _graphs_for(options: StylizeOptions, engines: Path) -> _Graphs:
    """The graphs that `options` choose; raises `GraphMismatch` if `engines` is damaged."""
    weights = recorded_weights(engines) if options.weights == AUTO else options.weights
    auto = options.objective == AUTO
    objective = best_objective(engines, weights) if auto else OBJECTIVES[options.objective]
    return _Graphs(
        objective,
        features_graph(objective, options.pooling, weights),
        gatys_graph(objective, options.pooling, weights),
        engines,
    )


class _Job:
    """One painting on one backend."""

    def __init__(
        self,
        backend: Type[Backend],
        graphs: _Graphs,
        options: StylizeOptions,
        on_progress: OnProgress,
        cancel: Optional[Event],
    ) -> None:
        self._backend = backend
        self._graphs = graphs
        self._objective = graphs.objective
        self._options = options
        self._on_progress = on_progress
        self._cancel = cancel

    def paint(self, content: Image.Image, style: Image.Image) -> Image.Image:
        """The painting, at the working size."""
        frame = self._frame(content.size, self._graphs.gatys, margin=MARGIN)
        photo, model = frame.put(content), self._style_array(style)
        feeds = self._targets(photo, model)
        start = self._start(photo, model)
        with self._open(self._graphs.gatys, photo) as backend:
            best = self._descend(backend, feeds, start, frame)
        return denoise_chroma(to_image(frame.cut(best)))

    def _frame(self, size: Size, graph: GraphSpec, margin: int) -> Frame:
        return frame_for(
            size,
            longest=self._options.size,
            multiple=self._objective.stride,
            margin=margin,
            sizes=self._backend.shapes(graph, self._graphs.folder),
        )

    def _style_array(self, style: Image.Image) -> np.ndarray:
        """The style, filling its frame: what a reflection repeats would count twice."""
        frame = self._frame(style.size, self._graphs.features, margin=0)
        fitted = ImageOps.fit(style, frame.size, Image.Resampling.LANCZOS)
        return to_array(fitted)

    def _open(self, graph: GraphSpec, picture: np.ndarray) -> Backend:
        height, width = picture.shape[2:]
        return self._backend(graph, height=height, width=width, folder=self._graphs.folder)

    def _start(self, photo: np.ndarray, style: np.ndarray) -> np.ndarray:
        """The photo in the style's colours, with noise so that a flat sky has a gradient too."""
        rng = np.random.default_rng(self._options.seed)
        noise = rng.standard_normal(photo.shape, np.float32) * np.float32(NOISE)
        return np.clip(match_colours(photo, style) + noise, 0, 1)

    def _targets(self, photo: np.ndarray, style: np.ndarray) -> Dict[str, np.ndarray]:
        """The gatys graph's inputs other than the image.

        Each term is divided by the mean square of its target, so that all layers have the same
        weight and a strength has the same effect for every style.
        """
        feeds = self._features(style)
        grams = [feeds[gram_name(layer)] for layer in self._objective.style_layers]
        feeds["content"] = self._features(photo)["content"]
        low, high = self._objective.style_gentle, self._objective.style_strong
        style_weight = low * (high / low) ** self._options.strength / len(grams)
        feeds["style_weights"] = np.array([style_weight / _mean_square(g) for g in grams], "f")
        feeds["content_weight"] = np.array([1 / _mean_square(feeds["content"])], "f")
        return feeds

    def _features(self, picture: np.ndarray) -> Dict[str, np.ndarray]:
        check_cancel(self._cancel)
        with self._open(self._graphs.features, picture) as backend:
            return backend.run({"image": picture})

    def _descend(
        self, backend: Backend, feeds: Dict[str, np.ndarray], start: np.ndarray, frame: Frame
    ) -> np.ndarray:
        steps = self._options.steps
        best = start
        losses: Deque[float] = deque(maxlen=PATIENCE + 1)
        for state in lbfgs.minimise(loss_of(backend, feeds), start):
            check_cancel(self._cancel)
            if not np.isfinite(state.best_loss):
                raise BackendError(
                    f"{backend.name} gave a loss of {state.loss}; expected a number."
                )
            best = state.best
            losses.append(state.best_loss)
            self._on_progress(Progress(state.count, steps, state.best_loss, frame.cut(best)))
            stalled = losses[0] - losses[-1] < MIN_GAIN * losses[0]
            if state.count >= steps or (state.count >= PATIENCE_FROM and stalled):
                break
        return best


def loss_of(backend: Backend, feeds: Mapping[str, np.ndarray]) -> lbfgs.Evaluate:
    """The loss and its gradient as a function of the image, from a loaded gatys graph.

    `feeds` holds the graph's inputs other than the image.
    """
    style_weights = feeds["style_weights"].astype(np.float64)
    content_weight = float(feeds["content_weight"][0])

    def evaluate(image: np.ndarray) -> Tuple[float, np.ndarray]:
        terms = backend.run({**feeds, "image": image})
        loss = float(np.dot(style_weights, terms["style_losses"]))
        return loss + content_weight * float(terms["content_loss"][0]), terms["gradient"]

    return evaluate


def _mean_square(values: np.ndarray) -> float:
    return max(float(np.mean(np.square(values, dtype=np.float64))), 1e-12)
