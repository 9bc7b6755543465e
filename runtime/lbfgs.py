"""Projected L-BFGS on the box [0, 1], preconditioned in the frequency domain.

The initial Hessian is `gamma * P`, with `P q = IDCT(w * DCT(q))` for grey and colour, because the
curvature of Gatys' loss depends on the spatial frequency. The update has its compact form (Byrd,
Nocedal and Schnabel 1994, "Representations of quasi-Newton matrices and their use in limited memory
methods", theorem 2.2): an iteration reads the history twice, where the two-loop recursion reads it
four times, one pair after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional, Tuple

import numpy as np
from scipy import fft, linalg
from threadpoolctl import threadpool_limits

Evaluate = Callable[[np.ndarray], Tuple[float, np.ndarray]]

#: The maximum number of pairs of steps and gradient differences, and of bytes for them, which at
#: 384 px is 18 pairs. With 40 pairs the benchmark's third pair of pictures needed 86 evaluations
#: instead of 82.
HISTORY = 60
HISTORY_BYTES = 64_000_000
#: Root mean square of the first step, in the picture's range [0, 1].
FIRST_STEP = 0.05
#: The initial Hessian's scale is a factor times the geometric mean of s.y / y.Py over the last
#: `SCALE_PAIRS` pairs. The usual scale, that of the last pair alone, needs a fifth more evaluations;
#: with a factor of 6 one step in three fails.
SCALE, SCALE_PAIRS = 3.5, 20

#: Rows of an orthonormal basis: the first layer responds to grey and to colour separately.
_GREY_AND_COLOUR = np.array(
    [[1, 1, 1], [1, 0, -1], [1, -2, 1]] / np.sqrt([[3], [2], [6]]), np.float32
)

#: A step is accepted if the loss falls by this share of the linear prediction (Armijo 1966).
_SUFFICIENT = 1e-4
_SHORTEN = 0.3
_MAX_SHORTENINGS = 4
#: Pairs with a smaller cosine between step and gradient difference are not kept.
_LEAST_CURVATURE = 1e-8


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of the loss: its number, the loss, and the best loss and picture so far.

    `best` is float32 [1, 3, H, W] in [0, 1] and does not change afterwards.
    """

    count: int
    loss: float
    best_loss: float
    best: np.ndarray


def minimise(
    evaluate: Evaluate,
    start: np.ndarray,
    *,
    first_step: float = FIRST_STEP,
    scale: float = SCALE,
) -> Iterator[Evaluation]:
    """Minimise a function of a picture, yielding after every evaluation until it is stationary.

    `start` is float32 [1, 3, H, W] in [0, 1]; `evaluate` takes an array of this kind and returns
    the loss and its gradient, of the same shape. A step to a loss that is not finite is shortened.
    `first_step` is the root mean square of the first step, `scale` the boldness of those after
    it, see `SCALE`. The caller may stop at any time.
    """
    # Memory bandwidth limits the products, so more threads gain nothing. BLAS's idle threads spin
    # for milliseconds and slow the backend's down: at 250 px on two cores an evaluation took 0.073 s
    # instead of 0.037 s with OpenVINO, 0.178 s instead of 0.127 s with ONNX Runtime.
    with threadpool_limits(1, user_api="blas"):
        yield from _minimise(evaluate, start, first_step, scale)


def _minimise(
    evaluate: Evaluate,
    start: np.ndarray,
    first_step: float,
    scale: float,
) -> Iterator[Evaluation]:
    precondition = _Preconditioner(start.shape[2], start.shape[3])
    history = _History(start.size, scale)
    here, (loss, gradient) = start, evaluate(start)
    best = Evaluation(1, loss, loss, here)
    yield best
    step: Optional[np.ndarray] = None
    while True:
        free = _free(here, gradient)
        slope = gradient * free
        if not slope.any():
            return
        smoothed = precondition(slope)
        history.update(slope, smoothed, step)
        direction = history.direction() * free
        if not np.vdot(direction, slope) < 0:
            history.clear()
            direction = smoothed * free * -np.float32(first_step / _rms(smoothed))
        for shortening in range(_MAX_SHORTENINGS + 1):
            there = np.clip(here + direction * np.float32(_SHORTEN**shortening), 0, 1)
            there_loss, there_gradient = evaluate(there)
            best = _better(best, there_loss, there)
            yield best
            predicted = float(np.vdot(slope, there - here))
            if there_loss <= loss + _SUFFICIENT * predicted:
                step = there - here
                here, loss, gradient = there, there_loss, there_gradient
                break
        else:
            if not len(history):
                return
            history.clear()
            step = None


def _better(best: Evaluation, loss: float, picture: np.ndarray) -> Evaluation:
    if loss < best.best_loss or not np.isfinite(best.best_loss):
        return Evaluation(best.count + 1, loss, loss, picture)
    return Evaluation(best.count + 1, loss, best.best_loss, best.best)


def _free(picture: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Where a step along the negative gradient stays in the box."""
    return ~(((picture <= 0) & (gradient > 0)) | ((picture >= 1) & (gradient < 0)))


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


class _Preconditioner:
    """P q = Q' IDCT(w * DCT(Q q)), where Q transforms RGB to grey and two axes of colour.

    q is padded with zeros to a size with small prime factors. P stays symmetric and positive, and
    for 167 rows, a prime, it needs a fifth of the time.
    """

    def __init__(self, height: int, width: int) -> None:
        self._size = height, width
        height, width = (fft.next_fast_len(side, real=True) for side in self._size)
        self._padded = height, width
        rows = np.arange(height) / (2 * height)
        columns = np.arange(width) / (2 * width)
        grey, colour = _weights(np.hypot(rows[:, None], columns[None, :]))
        self._weights = np.stack([grey, colour, colour]).astype(np.float32)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        rotated = (_GREY_AND_COLOUR @ picture.reshape(3, -1)).reshape(3, *self._size)
        spectrum = fft.dctn(rotated, s=self._padded, axes=(1, 2), norm="ortho", overwrite_x=True)
        spectrum *= self._weights
        smoothed = fft.idctn(spectrum, axes=(1, 2), norm="ortho", overwrite_x=True)
        height, width = self._size
        smoothed = smoothed[:, :height, :width].reshape(3, -1)
        result: np.ndarray = (_GREY_AND_COLOUR.T @ smoothed).reshape(picture.shape)
        return result


def _weights(frequency: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """w for grey and for colour, for radial frequencies f in cycles per pixel.

    It follows the inverse of the measured curvature of the classic loss (random probes at 250 px).
    Grey's curvature grows like f + 1/8 up to 0.25 and is a tenth of that at 0.5. Colour's falls from
    0.1 on, to a thirtieth of grey's at 0.2 and less. The mean's is ten times that of the longest
    waves. Colour gains at most a factor of 8, so that frequencies to which the network hardly
    responds do not diverge. The benchmark's pairs need 46, 32 and 82 evaluations; with
    1 / (f + 1/8) for both they need 57, 36 and 115.
    """
    grey = (1 + 2 / (1 + (frequency / 0.03) ** 2)) / (frequency + 1 / 12)
    grey = np.where(frequency == 0, 0.2 * grey, grey)
    colour = 0.6 * grey * np.minimum(8, 1 + (frequency / 0.1) ** 4)
    return grey * np.minimum(4, 1 + (frequency / 0.45) ** 6), colour


class _History:
    """The last steps s and changes y of the slope, stored as rows: first all s, then all P y.

    The slope is the gradient where the box does not stop the step, and 0 elsewhere. Products with
    the slope and with P are linear, so those with y are differences of those with two slopes.
    """

    def __init__(self, size: int, scale: float) -> None:
        self._scale = scale
        pair_bytes = 2 * np.dtype(np.float32).itemsize * size
        self._length = length = max(1, min(HISTORY, HISTORY_BYTES // pair_bytes))
        self._rows = np.zeros((2, length, size), np.float32)
        # Inner products between the slots of the ring: s_i . y_j and y_i . P y_j.
        self._step_change = np.zeros((length, length))
        self._change_change = np.zeros((length, length))
        self._order: List[int] = []
        # The slope and the smoothed slope, and every row's inner product with the slope.
        self._slope = self._smoothed = np.zeros(0, np.float32)
        self._products = np.zeros((2, length))

    def __len__(self) -> int:
        return len(self._order)

    def clear(self) -> None:
        self._order.clear()

    def update(self, slope: np.ndarray, smoothed: np.ndarray, step: Optional[np.ndarray]) -> None:
        """Add the slope after `step`, and P times it, with the pair that they make with the last."""
        slot = None
        if step is not None:
            slot = self._add(step, slope - self._slope, smoothed - self._smoothed)
        before, used = self._products.copy(), len(self)
        for rows, products in zip(self._rows, self._products):
            products[:used] = rows[:used] @ slope.ravel()
        if slot is not None:
            with_step, with_smoothed = (self._products - before)[:, :used]
            self._step_change[:used, slot] = with_step
            self._change_change[:used, slot] = with_smoothed
            self._change_change[slot, :used] = with_smoothed
        self._slope, self._smoothed = slope, smoothed

    def direction(self) -> np.ndarray:
        """The quasi-Newton direction -H g for the slope g; zeros without a history."""
        if not len(self):
            return np.zeros_like(self._slope)
        order = np.array(self._order)
        within = np.ix_(order, order)
        triangle = np.triu(self._step_change[within])
        changes = self._change_change[within]
        curvatures = np.diag(triangle)
        scales = curvatures[-SCALE_PAIRS:] / np.diag(changes)[-SCALE_PAIRS:]
        gamma = self._scale * float(np.exp(np.mean(np.log(scales))))
        with_step, with_smoothed = self._products[:, order]
        inner = linalg.solve_triangular(triangle, with_step)
        outer = curvatures * inner + gamma * (changes @ inner - with_smoothed)
        outer = linalg.solve_triangular(triangle, outer, trans="T")
        coefficients = np.zeros((2, len(self)), np.float32)
        coefficients[0, order] = -outer
        coefficients[1, order] = gamma * inner
        result = self._smoothed * np.float32(-gamma)
        for rows, row_coefficients in zip(self._rows, coefficients):
            result += (row_coefficients @ rows[: len(self)]).reshape(result.shape)
        return result

    def _add(
        self, step: np.ndarray, change: np.ndarray, smoothed_change: np.ndarray
    ) -> Optional[int]:
        """Store a pair in a new slot or the oldest's; `None` for a pair without positive curvature."""
        curvature = float(np.vdot(step, change))
        sizes = float(np.linalg.norm(step)) * float(np.linalg.norm(change))
        if not curvature > _LEAST_CURVATURE * sizes:
            return None
        slot = self._order.pop(0) if len(self) == self._length else len(self)
        self._order.append(slot)
        for row, values in enumerate((step, smoothed_change)):
            self._rows[row, slot] = values.ravel()
            self._products[row, slot] = np.vdot(values, self._slope)
        return slot
