"""CycleGAN: a photo translated by a trained generator, such as a horse into a zebra.

Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", ICCV 2017.
"""

from __future__ import annotations

from typing import Optional, Tuple, Type

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
from runtime.spec import GraphSpec

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
    small = photo.resize(_working_size(photo.size, options.size), Image.Resampling.LANCZOS)

    def run(backend: Type[Backend]) -> np.ndarray:
        check_cancel(cancel)
        return _run(backend, graph, to_array(small))

    picture = first_success(candidates(options.backend), run)
    check_cancel(cancel)
    on_progress(Progress(step=1, steps=1, loss=0.0, picture=picture))
    translated = to_image(picture)
    if options.detail:
        return enlarge(translated, photo)
    return translated.resize(photo.size, Image.Resampling.BICUBIC)


def _working_size(size: Tuple[int, int], longest: int) -> Tuple[int, int]:
    """`size` scaled to `longest`: nothing is stretched, padding makes up the multiple of 4."""
    width, height = (max(1, round(side * longest / max(size))) for side in size)
    return width, height


def _run(backend_type: Type[Backend], graph: GraphSpec, photo: np.ndarray) -> np.ndarray:
    """The translation of float32 [1, 3, H, W] in [0, 1], which has the same shape and range."""
    height, width = photo.shape[2:]
    padded = _padded(photo)
    shape = padded.shape
    with backend_type(graph, height=shape[2], width=shape[3], folder=spec.ENGINES) as backend:
        picture = backend.run({"image": padded * np.float32(2) - np.float32(1)})["picture"]
    picture = picture[:, :, :height, :width]
    if not np.isfinite(picture).all():
        raise BackendError(f"{backend_type.name} gave numbers in {graph.name} that are not finite.")
    return np.clip(picture * np.float32(0.5) + np.float32(0.5), 0, 1)


def _padded(photo: np.ndarray) -> np.ndarray:
    """`photo` continued below and to the right by reflection: black bars would bleed into it."""
    below, right = (
        max(LEAST_SIDE, -(-side // MULTIPLE) * MULTIPLE) - side for side in photo.shape[2:]
    )
    return np.pad(photo, ((0, 0), (0, 0), (0, below), (0, right)), mode="reflect")
