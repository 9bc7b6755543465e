"""CycleGAN: a photo translated by a trained generator, such as a horse into a zebra.

Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", ICCV 2017.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Type

import numpy as np
from PIL import Image

from runtime.backends import candidates, first_success
from runtime.backends.base import Backend
from runtime.backends.kept import KeptGraphs, kept_or_new
from runtime.catalog.generators import find_model
from runtime.errors import BackendError
from runtime.imaging.finish import enlarge
from runtime.imaging.frame import Frame, frame_for
from runtime.imaging.limits import check_size
from runtime.imaging.reading import to_image
from runtime.options import TranslateOptions
from runtime.progress import Event, OnProgress, Progress, check_cancel
from runtime.spec.folder import DEFAULT_ENGINES

#: A generator halves the picture twice and doubles it twice.
MULTIPLE = 4

#: How much of the photo's fine luminance is added; at 1 it looks printed over the paint.
DETAIL = 0.8


def translate(
    photo: Image.Image,
    model: str,
    options: Optional[TranslateOptions] = None,
    *,
    engines: Path = DEFAULT_ENGINES,
    graphs: Optional[KeptGraphs] = None,
    on_progress: OnProgress = lambda progress: None,
    cancel: Optional[Event] = None,
) -> Image.Image:
    """Run `photo`, RGB of any size, through the generator called `model`.

    The result is RGB and has the size of `photo`. `engines` is the folder of the graphs. `graphs`
    keeps the generator for the next photo; without it, it is closed at the end. Calls `on_progress`
    once, after the generator has run; its loss is 0, as nothing is optimised.
    `cancel` is checked before and after that one step. When a backend fails, the next one starts
    again.

    Raises `OptionError`, which lists the installed names, for a model that is not in `engines`,
    `Cancelled`, `PictureError` for a photo too small or too large, `BackendError` when every
    backend fails.
    """
    options = options or TranslateOptions()
    check_size(*photo.size)
    graph = find_model(model, engines).graph

    def run(backend: Type[Backend]) -> np.ndarray:
        check_cancel(cancel)
        sizes = backend.shapes(graph, engines)
        frame = frame_for(photo.size, longest=options.size, multiple=MULTIPLE, sizes=sizes)
        with kept.open(backend, graph, frame.size, engines) as loaded:
            return _translated(loaded, frame, photo)

    with kept_or_new(graphs) as kept:
        picture = first_success(candidates(options.backend, engines), run)
    check_cancel(cancel)
    translated = to_image(picture)
    on_progress(Progress(step=1, steps=1, share=1.0, loss=0.0, draw=lambda: translated))
    if options.detail:
        return enlarge(translated, photo, DETAIL)
    return translated.resize(photo.size, Image.Resampling.BICUBIC)


def _translated(backend: Backend, frame: Frame, photo: Image.Image) -> np.ndarray:
    """The translation as float32 [1, 3, H, W] in [0, 1], of the frame's inner size."""
    image = frame.put(photo) * np.float32(2) - np.float32(1)
    picture = frame.cut(backend.run({"image": image})["picture"])
    if not np.isfinite(picture).all():
        raise BackendError(
            f"{backend.name} gave values in {backend.graph.name} that are not numbers; expected "
            "numbers from -1 to 1."
        )
    return np.clip(picture * np.float32(0.5) + np.float32(0.5), 0, 1)
