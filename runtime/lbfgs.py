"""Projected L-BFGS on the box [0, 1], preconditioned in the frequency domain.

The recursion's initial Hessian is `gamma * P`, with `P q = IDCT(w * DCT(q))` for grey and colour:
under Gatys' loss a picture's spatial frequencies lie flat or steep. The recursion is done in its
compact form (Byrd, Nocedal and Schnabel 1994, "Representations of quasi-Newton matrices and their
use in limited memory methods", theorem 2.2), so that an iteration passes over the history twice,
where the two loops do it four times, a pair at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional, Tuple

import numpy as np
from scipy import fft, linalg
from threadpoolctl import threadpool_limits

Evaluate = Callable[[np.ndarray], Tuple[float, np.ndarray]]

#: Pairs of steps and gradient differences that are kept, at the most, and the memory for them: at
#: 384 px that is 18 pairs. With 40 pairs the benchmark's third needed 86 evaluations instead of 82.
HISTORY = 60
HISTORY_BYTES = 64_000_000
#: Root mean square of the first step, in the picture's range [0, 1].
FIRST_STEP = 0.05
#: The initial Hessian's scale: `BOLDNESS` times the geometric mean of s.y / y.Py over the last
#: `SCALE_PAIRS` pairs. The usual, once the last pair's, needs a fifth more evaluations, and 6 times
#: it makes one step in three fail.
BOLDNESS, SCALE_PAIRS = 3.5, 20

#: Rows of an orthonormal basis: the network's first layer sees grey and colour apart.
_GREY_AND_COLOUR = np.array(
    [[1, 1, 1], [1, 0, -1], [1, -2, 1]] / np.sqrt([[3], [2], [6]]), np.float32
)

#: A step is taken if the loss falls by this share of what the gradient promises (Armijo 1966).
_SUFFICIENT = 1e-4
_SHORTEN = 0.3
_MOST_SHORTENINGS = 4
#: Pairs less convex than this cosine between step and gradient difference are left out.
_LEAST_CURVATURE = 1e-8


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of the loss: which one it was, the loss, and the best loss and picture yet.

    `best` is float32 [1, 3, H, W] in [0, 1] and is not written to afterwards.
    """

    count: int
    loss: float
    best_loss: float
    best: np.ndarray


def minimise(evaluate: Evaluate, start: np.ndarray) -> Iterator[Evaluation]:
    """Minimise a function of a picture, yielding after every evaluation until it is stationary.

    `start` is float32 [1, 3, H, W] in [0, 1]; `evaluate` takes the like and returns the loss and
    its gradient, of the same shape. A loss that is not finite counts as a step too long. The
    caller ends it by not asking for more.
    """
    # The products are bound by the memory: more threads gain nothing, and BLAS lets them spin on
    # for milliseconds, in which they take the processor from the backend's: at 250 px on two cores
    # an evaluation took 0.073 s instead of 0.037 s with OpenVINO, 0.178 s instead of 0.127 s with
    # ONNX Runtime.
    with threadpool_limits(1, user_api="blas"):
        yield from _minimise(evaluate, start)


def _minimise(evaluate: Evaluate, start: np.ndarray) -> Iterator[Evaluation]:
    precondition = _Preconditioner(start.shape[2], start.shape[3])
    history = _History(start.size)
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
        history.arrive(slope, smoothed, step)
        direction = history.direction() * free
        if not np.vdot(direction, slope) < 0:
            history.clear()
            direction = smoothed * free * -np.float32(FIRST_STEP / _rms(smoothed))
        for shortening in range(_MOST_SHORTENINGS + 1):
            there = np.clip(here + direction * np.float32(_SHORTEN**shortening), 0, 1)
            there_loss, there_gradient = evaluate(there)
            best = _better(best, there_loss, there)
            yield best
            promised = float(np.vdot(slope, there - here))
            if there_loss <= loss + _SUFFICIENT * promised:
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
    """Where the picture can follow the negative gradient without leaving the box."""
    return ~(((picture <= 0) & (gradient > 0)) | ((picture >= 1) & (gradient < 0)))


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


class _Preconditioner:
    """P q = Q' IDCT(w * DCT(Q q)), with Q turning RGB into grey and two axes of colour.

    q is continued by zeros to a size with small prime factors: P stays symmetric and positive, and
    for 167 rows, a prime, it takes a fifth of the time.
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
        turned = (_GREY_AND_COLOUR @ picture.reshape(3, -1)).reshape(3, *self._size)
        spectrum = fft.dctn(turned, s=self._padded, axes=(1, 2), norm="ortho", overwrite_x=True)
        spectrum *= self._weights
        smoothed = fft.idctn(spectrum, axes=(1, 2), norm="ortho", overwrite_x=True)
        height, width = self._size
        smoothed = smoothed[:, :height, :width].reshape(3, -1)
        result: np.ndarray = (_GREY_AND_COLOUR.T @ smoothed).reshape(picture.shape)
        return result


def _weights(frequency: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """w for grey and for colour, by the radial frequency f in cycles per pixel.

    It follows the inverse of the curvature that the classic loss was measured to have (random
    probes at 250 px): grey's grows like f + 1/8 up to 0.25 and is a tenth of that at 0.5; colour's
    falls from 0.1 on, to a thirtieth of grey's at 0.2 and less; the mean is ten times as stiff as
    the longest waves. By no more than 8 times, though: what the network hardly sees is not to run
    wild. Evaluations to the marks of the benchmark's pairs: 46, 32 and 82; with 1 / (f + 1/8) for
    both 57, 36 and 115.
    """
    grey = (1 + 2 / (1 + (frequency / 0.03) ** 2)) / (frequency + 1 / 12)
    grey = np.where(frequency == 0, 0.2 * grey, grey)
    colour = 0.6 * grey * np.minimum(8, 1 + (frequency / 0.1) ** 4)
    return grey * np.minimum(4, 1 + (frequency / 0.45) ** 6), colour


class _History:
    """The last steps s and changes y of the slope, as the rows of one array: s, then P y.

    The slope is the gradient where the picture can follow it. All products with it and with P are
    linear: those with y are differences of those with the slopes, and P y one of the smoothed.
    """

    def __init__(self, size: int) -> None:
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

    def arrive(self, slope: np.ndarray, smoothed: np.ndarray, step: Optional[np.ndarray]) -> None:
        """Take in a slope and P times it, and the pair that a step to there makes with the last."""
        slot = None
        if step is not None:
            slot = self._take(step, slope - self._slope, smoothed - self._smoothed)
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
        gamma = BOLDNESS * float(np.exp(np.mean(np.log(scales))))
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

    def _take(
        self, step: np.ndarray, change: np.ndarray, smoothed_change: np.ndarray
    ) -> Optional[int]:
        """Put a pair into the oldest's slot or a new one; without positive curvature into none."""
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
