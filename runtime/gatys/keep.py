"""Where a painting stays close to the photo: on faces, and where a mask of the user's is white."""

from __future__ import annotations

from typing import Optional

import numpy as np
from PIL import Image

from runtime.backends.kept import GraphsOf
from runtime.faces import find_faces
from runtime.imaging.face_map import face_map, mask_map
from runtime.options import KEEP, StylizeOptions

#: The longer side of the map in pixels; its edges are soft.
_LONGEST = 640


def keep_map(
    photo: Image.Image,
    mask: Optional[Image.Image],
    options: StylizeOptions,
    graphs: GraphsOf,
) -> Image.Image:
    """The map, greyscale, of the photo's aspect: white where the photo must stay recognisable.

    `mask` is as in `mask_map`. Where it and a face overlap, the lighter one counts. Raises
    `BackendError` when the face detector fails.
    """
    scale = min(1.0, _LONGEST / max(photo.size))
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    kept = np.zeros((size[1], size[0]), np.float32)
    if options.faces == KEEP:
        kept = face_map(find_faces(photo, graphs), photo.size, size)
    if mask is not None:
        kept = np.maximum(kept, mask_map(mask, size))
    return Image.fromarray(np.rint(kept * 255).astype(np.uint8))


def content_map(content: np.ndarray, keep: Image.Image, weight: float) -> np.ndarray:
    """The content map of the gatys graph: 1, and `weight` where `keep` is white.

    `content` is the target [1, C, h, w], whose positions the map weights; `keep` is greyscale and
    shows the same as the graph's picture. The map is float32 [1, 1, h, w].
    """
    height, width = content.shape[2:]
    small = keep.resize((width, height), Image.Resampling.BOX)
    values = np.asarray(small, np.float32) / np.float32(255)
    return (1 + np.float32(weight - 1) * values)[None, None]
