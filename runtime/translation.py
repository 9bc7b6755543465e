"""CycleGAN: a photo translated by a trained generator, such as a horse into a zebra.

Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", ICCV 2017.
"""

from __future__ import annotations

from typing import Optional, Type

import numpy as np
from PIL import Image

from runtime.backends import Backend, candidates, first_success
from runtime.catalog.generators import find_model
from runtime.errors import BackendError
from runtime.imaging.finish import enlarge
from runtime.imaging.frame import Frame, frame_for
from runtime.imaging.picture import check_size, to_image
from runtime.options import TranslateOptions
from runtime.progress import Event, OnProgress, Progress, check_cancel
from runtime.spec import engines as spec_engines
from runtime.spec.graphs import GraphSpec

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
        sizes = backend.shapes(graph, spec_engines.ENGINES)
        frame = frame_for(photo.size, longest=options.size, multiple=MULTIPLE, sizes=sizes)
        return _run(backend, graph, frame, photo)

    picture = first_success(candidates(options.backend), run)
    check_cancel(cancel)
    on_progress(Progress(step=1, steps=1, loss=0.0, picture=picture))
    translated = to_image(picture)
    if options.detail:
        return enlarge(translated, photo)
    return translated.resize(photo.size, Image.Resampling.BICUBIC)


def _run(
    backend_type: Type[Backend], graph: GraphSpec, frame: Frame, photo: Image.Image
) -> np.ndarray:
    """The translation as float32 [1, 3, H, W] in [0, 1], of the frame's inner size."""
    image = frame.put(photo) * np.float32(2) - np.float32(1)
    width, height = frame.size
    with backend_type(graph, height=height, width=width, folder=spec_engines.ENGINES) as backend:
        picture = frame.cut(backend.run({"image": image})["picture"])
    if not np.isfinite(picture).all():
        raise BackendError(
            f"{backend_type.name} gave values in {graph.name} that are not numbers; expected "
            "them from -1 to 1."
        )
    return np.clip(picture * np.float32(0.5) + np.float32(0.5), 0, 1)
