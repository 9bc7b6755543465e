"""Finds the faces in a photo, so that a painting keeps them recognisable.

The detector is CenterFace (Xu et al., Scientific Programming, 2020): a face is a peak of the heat
map, and the other outputs give its box there.
"""

from __future__ import annotations

import logging
from typing import List, Tuple

import numpy as np
from PIL import Image

from runtime.backends.base import Arrays
from runtime.backends.kept import GraphsOf
from runtime.errors import BackendError, GraphMissing
from runtime.imaging.face_map import Face
from runtime.imaging.frame import Frame, frame_for
from runtime.spec.graphs import faces_graph

#: The longer side of the detector's picture: it finds faces of 10 pixels and more in it.
LONGEST = 640
#: Both sides of the detector's picture are multiples of this.
MULTIPLE = 32

#: Peaks of the heat map below this are no faces.
LEAST_SCORE = 0.35
#: Boxes that share more of their union than this are of the same face.
_MOST_OVERLAP = 0.3
#: So many boxes, the best, are compared with each other.
_MOST_BOXES = 200

#: The output's pixels are this large in the detector's picture.
_CELL = 4
#: exp of these is a face of 1 pixel, and of 4 times the detector's picture.
_LOG_SIZES = (np.log(1 / _CELL), np.log(LONGEST))

_log = logging.getLogger(__name__)


def find_faces(picture: Image.Image, graphs: GraphsOf) -> Tuple[Face, ...]:
    """The faces in `picture`, an upright RGB image, the largest first.

    Without the detector's graph, or without its engine where nothing else can run it, no face is
    found. Raises `BackendError` when the backend fails.
    """
    graph = faces_graph()
    if not graphs.has(graph):
        return ()
    longest = min(LONGEST, max(picture.size))
    sizes = graphs.sizes(graph)
    frame = frame_for(picture.size, longest=longest, multiple=MULTIPLE, sizes=sizes, stretch=1)
    try:
        with graphs.open(graph, frame.size) as loaded:
            results = loaded.run({"image": frame.put(picture)})
            if not all(np.isfinite(values).all() for values in results.values()):
                raise BackendError(
                    f"{loaded.name} gave values in {graph.name} that are not numbers."
                )
    except GraphMissing as error:
        _log.warning("Faces are painted like the rest: %s", error)
        return ()
    faces = _in_picture(_boxes(results), frame, picture)
    return tuple(sorted(faces, key=lambda face: face.width * face.height, reverse=True))


def _boxes(results: Arrays) -> np.ndarray:
    """The boxes of faces in the detector's picture, float64 [N, 5]: left, top, right, bottom, score."""
    heat = results["heat"][0, 0].astype(np.float64)
    rows, columns = np.nonzero((heat >= LEAST_SCORE) & (heat == _largest_near(heat)))
    scores = heat[rows, columns]
    best = np.argsort(-scores, kind="stable")[:_MOST_BOXES]
    rows, columns, scores = rows[best], columns[best], scores[best]
    log_sizes = results["log_sizes"][0][:, rows, columns].astype(np.float64)
    height, width = np.exp(np.clip(log_sizes, *_LOG_SIZES)) * _CELL
    down, right = results["offsets"][0][:, rows, columns].astype(np.float64)
    x, y = (columns + right + 0.5) * _CELL, (rows + down + 0.5) * _CELL
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return _distinct(np.stack((*corners, scores), axis=1))


def _largest_near(heat: np.ndarray) -> np.ndarray:
    """The largest value within one cell of each, in all directions."""
    padded = np.pad(heat, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])


def _distinct(boxes: np.ndarray) -> np.ndarray:
    """Of boxes that overlap, those with the highest score; `boxes` are sorted by it."""
    kept: List[np.ndarray] = []
    for box in boxes:
        if all(_overlap(box, other) <= _MOST_OVERLAP for other in kept):
            kept.append(box)
    return np.array(kept).reshape(-1, 5)


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """The area that two boxes share, as a part of their union."""
    sides = np.minimum(one[2:4], other[2:4]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(box[2:4] - box[:2])) for box in (one, other)]
    return shared / (sum(areas) - shared)


def _in_picture(boxes: np.ndarray, frame: Frame, picture: Image.Image) -> List[Face]:
    """The boxes in pixels of `picture`.

    Around the photo the frame holds its mirror image: faces there are left out.
    """
    size = np.array(picture.size, np.float64)
    scale = size / frame.inner
    faces = []
    for box in boxes:
        corners = (box[:4].reshape(2, 2) - frame.start) * scale
        middle = corners.mean(axis=0)
        if (middle < 0).any() or (middle >= size).any():
            continue
        (left, top), (width, height) = corners[0], corners[1] - corners[0]
        faces.append(Face(*map(float, (left, top, width, height, box[4]))))
    return faces
