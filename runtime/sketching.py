"""Sketches: a photo takes on the style of any picture in one pass of a network.

Ghiasi, Lee, Kudlur, Dumoulin and Shlens, "Exploring the structure of a real-time, arbitrary neural
artistic stylization network", BMVC 2017.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple, Type, Union

import numpy as np
from PIL import Image, ImageOps

from runtime.backends import AUTO, candidates, first_success
from runtime.backends.base import Backend
from runtime.backends.kept import GraphsOf, KeptGraphs, kept_or_new
from runtime.errors import BackendError
from runtime.gatys.targets import WeightedStyle, weighted_styles
from runtime.imaging.finish import enlarge, with_colours_of
from runtime.imaging.frame import Frame, frame_for
from runtime.imaging.limits import LEAST_SIDE, check_size
from runtime.imaging.reading import to_array, to_image
from runtime.options import SketchOptions
from runtime.progress import Event, check_cancel
from runtime.spec.engine_sizes import MARGINS, Stage
from runtime.spec.engines import Size
from runtime.spec.folder import DEFAULT_ENGINES
from runtime.spec.graphs import STYLE_SIDE, sketch_graph, style_vector_graph

#: The transformer halves the picture twice and doubles it twice.
MULTIPLE = 4

#: How much of the photo's fine luminance is added where it is sketched smaller than it is.
DETAIL = 0.5


@dataclass(frozen=True)
class StyleVector:
    """A style as the transformer takes it: `numbers` are float32 [1, 100, 1, 1]."""

    numbers: np.ndarray


#: A picture in whose style a photo is sketched, or several with their weights.
StylePictures = Union[Image.Image, Sequence[WeightedStyle]]
AnyStyle = Union[StylePictures, StyleVector]


def sketch(
    photo: Image.Image,
    style: AnyStyle,
    options: Optional[SketchOptions] = None,
    *,
    engines: Path = DEFAULT_ENGINES,
    graphs: Optional[KeptGraphs] = None,
    cancel: Optional[Event] = None,
) -> Image.Image:
    """Sketch `photo` in the style of `style`: one picture, several with their weights, or a vector.

    The pictures are RGB, of any sizes; the result has the size of `photo`. `engines` is the folder
    of the graphs, and `graphs` keeps those that are loaded for the next call. `cancel` is checked
    before each run of a network. When a backend fails, the next one starts again.

    Raises `Cancelled`, `PictureError` for a picture too small or too large, `GraphMissing` when the
    graphs are not in `engines`, another `BackendError` when every backend fails, `OptionError` for
    no style or a weight that is not positive.
    """
    return sketches(photo, [style], options, engines=engines, graphs=graphs, cancel=cancel)[0]


def sketches(
    photo: Image.Image,
    styles: Sequence[AnyStyle],
    options: Optional[SketchOptions] = None,
    *,
    engines: Path = DEFAULT_ENGINES,
    graphs: Optional[KeptGraphs] = None,
    cancel: Optional[Event] = None,
) -> List[Image.Image]:
    """One sketch of `photo` in each of `styles`; the networks are loaded once. See `sketch`."""
    options = options or SketchOptions()
    looks = [checked_style(style) for style in styles]
    check_size(*photo.size)

    with kept_or_new(graphs) as kept:

        def paint(backend: Type[Backend]) -> List[Image.Image]:
            found = GraphsOf(kept, backend, engines)
            vectors = vectors_for(photo, looks, options.strength, found, cancel)
            with transformer(photo.size, options.size, found) as network:
                image = network.frame.put(photo)
                return [network.paint(image, vector, cancel) for vector in vectors]

        painted = first_success(candidates(options.backend, engines), paint)
    finished = [enlarge(each, photo, DETAIL) for each in painted]
    if options.keep_colours:
        return [with_colours_of(photo, each) for each in finished]
    return finished


def reduced(photo: Image.Image, longest: int) -> Image.Image:
    """A copy of `photo` for small sketches: its longer side has at most `longest` pixels.

    The shorter side keeps the `LEAST_SIDE` pixels that a photo needs, if it has them.
    """
    scale = min(1.0, max(longest / max(photo.size), LEAST_SIDE / min(photo.size)))
    size = (round(photo.width * scale), round(photo.height * scale))
    return photo.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def style_vector(
    style: StylePictures,
    backend: str = AUTO,
    *,
    engines: Path = DEFAULT_ENGINES,
    graphs: Optional[KeptGraphs] = None,
    cancel: Optional[Event] = None,
) -> StyleVector:
    """What `sketch` sees in `style`, to be kept for other photos.

    Raises what `sketch` raises.
    """
    look = checked_style(style)
    with kept_or_new(graphs) as kept:

        def look_at(chosen: Type[Backend]) -> np.ndarray:
            return _Predictor(GraphsOf(kept, chosen, engines), cancel).numbers(look)

        return StyleVector(first_success(candidates(backend, engines), look_at))


def mixed_vector(parts: Sequence[Tuple[StyleVector, float]]) -> StyleVector:
    """The mix of styles by their weights, which are positive; only their ratio matters."""
    whole = sum(weight for _, weight in parts)
    numbers = [vector.numbers * np.float32(weight / whole) for vector, weight in parts]
    return StyleVector(np.sum(numbers, axis=0))


#: A vector, or the pictures of a mix.
Look = Union[StyleVector, List[WeightedStyle]]


def checked_style(style: AnyStyle) -> Look:
    """`style` as a vector or a mix; raises `PictureError` for a picture too small or too large."""
    if isinstance(style, StyleVector):
        return style
    mix = weighted_styles(style)
    for each in mix:
        check_size(*each.picture.size)
    return mix


class _Predictor:
    """The numbers of styles; a picture that belongs to several mixes is seen once."""

    def __init__(self, graphs: GraphsOf, cancel: Optional[Event]) -> None:
        self._graphs = graphs
        self._cancel = cancel
        self._known: Dict[int, StyleVector] = {}

    def numbers(self, look: Look) -> np.ndarray:
        """The numbers of a style, float32 [1, 100, 1, 1]."""
        if isinstance(look, StyleVector):
            return look.numbers
        return mixed_vector([(self.see(each.picture), each.weight) for each in look]).numbers

    def see(self, picture: Image.Image) -> StyleVector:
        """The vector of one picture."""
        if id(picture) not in self._known:
            check_cancel(self._cancel)
            with self._graphs.open(style_vector_graph(), (STYLE_SIDE, STYLE_SIDE)) as predictor:
                numbers = _finite(predictor, {"image": _square(picture)}, "style")
            self._known[id(picture)] = StyleVector(numbers)
        return self._known[id(picture)]


def vectors_for(
    photo: Image.Image,
    looks: Sequence[Look],
    strength: float,
    graphs: GraphsOf,
    cancel: Optional[Event],
) -> List[np.ndarray]:
    """The numbers of each look, drawn towards the photo's own where `strength` is below 1."""
    predictor = _Predictor(graphs, cancel)
    found = [predictor.numbers(look) for look in looks]
    if strength == 1:
        return found
    own = predictor.see(photo).numbers
    return [own + (each - own) * np.float32(strength) for each in found]


@dataclass(frozen=True)
class Transformer:
    """The loaded network that paints pictures, each in its `frame`."""

    network: Backend
    frame: Frame

    def paint(self, image: np.ndarray, vector: np.ndarray, cancel: Optional[Event]) -> Image.Image:
        """`image`, which `frame.put` made, in the style of a vector, of the frame's inner size."""
        check_cancel(cancel)
        picture = _finite(self.network, {"image": image, "style": vector}, "picture")
        return to_image(np.clip(self.frame.cut(picture), 0, 1))


@contextlib.contextmanager
def transformer(photo: Size, longest: int, graphs: GraphsOf) -> Iterator[Transformer]:
    """The network for photos of this (width, height), painted at up to `longest` pixels."""
    graph = sketch_graph()
    margin = MARGINS[Stage.SKETCH]
    frame = frame_for(
        photo,
        longest=min(longest, max(photo)) + 2 * margin,
        multiple=MULTIPLE,
        margin=margin,
        sizes=graphs.sizes(graph),
    )
    with graphs.open(graph, frame.size) as network:
        yield Transformer(network, frame)


def _square(picture: Image.Image) -> np.ndarray:
    """The middle of a picture as the predictor takes it."""
    side = (STYLE_SIDE, STYLE_SIDE)
    return to_array(ImageOps.fit(picture, side, Image.Resampling.LANCZOS))


def _finite(backend: Backend, feeds: Dict[str, np.ndarray], output: str) -> np.ndarray:
    """One run of a network; raises `BackendError` for an output that is not finite."""
    result = backend.run(feeds)[output]
    if not np.isfinite(result).all():
        raise BackendError(
            f"{backend.name} gave values in {backend.graph.name} that are not numbers."
        )
    return result
