"""CycleGAN: a photo translated by a trained generator, such as a horse into a zebra.

Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", ICCV 2017.
"""

from __future__ import annotations

from typing import Optional, Sequence, Tuple, Type

import numpy as np
from PIL import Image

from runtime import spec
from runtime.backends import Backend, candidates, first_success
from runtime.errors import BackendError
from runtime.finish import enlarge
from runtime.generators import find_model
from runtime.options import TranslateOptions
from runtime.picture import LEAST_SIDE, check_size, to_array, to_image
from runtime.progress import Event, OnProgress, Progress, check_cancel
from runtime.spec import GraphSpec, Size, best_shape

#: A generator halves the picture twice and doubles it twice.
MULTIPLE = 4


def translate(
    photo: Image.Image,
    model: str,
    options: Optional[TranslateOptions] = None,
    *,
    on_progress: OnProgress = lambda progress: None,
    cancel: Optional[Event] = None,
) -> Image.Image:
    """Run `photo`, RGB of any size, through the installed generator called `model`.

    The result is RGB and has the size of `photo`. Calls `on_progress` once, when the generator has
    run; its loss is 0, as nothing is optimised. `cancel` is heeded before and after that one step.
    A backend that fails is followed by the next one.

    Raises `OptionError`, with the names there are, for a model that is not installed, `Cancelled`,
    `PictureError` for a photo too small or too large, `BackendError` when no backend gets through.
    """
    options = options or TranslateOptions()
    check_size(*photo.size)
    graph = find_model(model).graph

    def run(backend: Type[Backend]) -> np.ndarray:
        check_cancel(cancel)
        size, frame = _sizes(photo.size, options.size, backend.shapes(graph, spec.ENGINES))
        small = photo.resize(size, Image.Resampling.LANCZOS)
        return _run(backend, graph, to_array(small), frame)

    picture = first_success(candidates(options.backend), run)
    check_cancel(cancel)
    on_progress(Progress(step=1, steps=1, loss=0.0, picture=picture))
    translated = to_image(picture)
    if options.detail:
        return enlarge(translated, photo)
    return translated.resize(photo.size, Image.Resampling.BICUBIC)


def _sizes(photo: Size, longest: int, shapes: Sequence[Size]) -> Tuple[Size, Size]:
    """The size that the photo is scaled to, its aspect kept, and that of the frame around it.

    `shapes` are those that can be run, none for any; a frame of `longest` is made if any will do.
    """
    if shapes:
        frame = best_shape(*photo, shapes)
        scale = min(frame[0] / photo[0], frame[1] / photo[1])
        return _scaled(photo, scale), frame
    width, height = size = _scaled(photo, longest / max(photo))
    return size, (_framed(width), _framed(height))


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _framed(side: int) -> int:
    return max(LEAST_SIDE, -(-side // MULTIPLE) * MULTIPLE)


def _run(
    backend_type: Type[Backend], graph: GraphSpec, photo: np.ndarray, frame: Size
) -> np.ndarray:
    """The translation of float32 [1, 3, H, W] in [0, 1], which has the same shape and range.

    Below and to the right the photo is continued by reflection: bars would bleed into it.
    """
    height, width = photo.shape[2:]
    margins = ((0, 0), (0, 0), (0, frame[1] - height), (0, frame[0] - width))
    image = np.pad(photo, margins, mode="reflect") * np.float32(2) - np.float32(1)
    with backend_type(graph, height=frame[1], width=frame[0], folder=spec.ENGINES) as backend:
        picture = backend.run({"image": image})["picture"][:, :, :height, :width]
    if not np.isfinite(picture).all():
        raise BackendError(
            f"{backend_type.name} gave values in {graph.name} that are not numbers; expected "
            "them from -1 to 1."
        )
    return np.clip(picture * np.float32(0.5) + np.float32(0.5), 0, 1)
