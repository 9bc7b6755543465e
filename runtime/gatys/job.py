"""What both stages of one painting share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

from PIL import Image

from runtime.gatys.targets import WeightedStyle
from runtime.options import BRUSHES, StylizeOptions
from runtime.progress import Event


@dataclass(frozen=True)
class PaintingJob:
    """One painting: the photo and the styles in RGB, and the map from `keep_map`."""

    photo: Image.Image
    styles: Sequence[WeightedStyle]
    keep: Image.Image
    options: StylizeOptions
    cancel: Optional[Event] = None

    def style_side(self, painted: int) -> float:
        """The longer side at which styles are seen beside a photo of the longer side `painted`."""
        return painted * BRUSHES[self.options.brush]
