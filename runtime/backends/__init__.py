"""The backends by name, and the choice of one."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import (
    Callable,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Type,
    TypeVar,
)

from runtime.backends.base import Backend
from runtime.errors import BackendError, BackendUnavailable, OptionError
from runtime.spec.tegra import board_memory_mib

Result = TypeVar("Result")

AUTO = "auto"

#: For tests: it paints nothing. No list of choices offers it, and no setting accepts it.
FAKE = "fake"

#: Each backend's module and class; the module is imported when the backend is used.
_BACKENDS: Mapping[str, Tuple[str, str]] = {
    "trt": ("runtime.backends.trt", "TrtBackend"),
    "openvino": ("runtime.backends.ov", "OpenVinoBackend"),
    "onnxrt": ("runtime.backends.onnxrt", "OnnxRuntimeBackend"),
    "pyt": ("runtime.backends.pyt", "PytBackend"),
    FAKE: ("runtime.backends.fake", "FakeBackend"),
}

#: The order in which `auto` tries them, fastest first; without a GPU `pyt` comes last.
PREFERENCE = ("trt", "pyt", "openvino", "onnxrt")

#: The memory of a board that holds TensorRT and torch in one process. Torch takes 1.2 GB for its CUDA
#: context alone, and the rest of a Nano's 4 GB is in use by then.
LEAST_MIB_FOR_TWO = 6000

#: Those that run every graph at every size on the processor, the faster one first.
ON_PROCESSOR = ("openvino", "onnxrt")

BACKENDS = tuple(name for name in _BACKENDS if name != FAKE)

_log = logging.getLogger(__name__)


def backend_class(name: str) -> Type[Backend]:
    """The class of the backend `name`; raises `OptionError` for another name."""
    if name not in _BACKENDS:
        raise OptionError(
            f"There is no backend {name!r}. Choose one of {', '.join((AUTO,) + BACKENDS)}."
        )
    module, attribute = _BACKENDS[name]
    found: Type[Backend] = getattr(importlib.import_module(module), attribute)
    return found


def candidates(name: str, folder: Path) -> Iterator[Type[Backend]]:
    """The backends to try one after the other: the one called `name`, or all usable ones for `auto`.

    `folder` holds the graphs and engines. Logs which backend is chosen and why. Raises
    `BackendUnavailable` when none can run here.
    """
    reasons: List[str] = []
    used: List[str] = []
    for each in _in_order(used, reasons) if name == AUTO else (name,):
        backend = backend_class(each)
        try:
            device = backend.check(folder)
        except BackendUnavailable as error:
            reasons.append(str(error))
            continue
        skipped = f" (skipped: {' '.join(reasons)})" if reasons else ""
        _log.info("backend %s on %s%s", each, device, skipped)
        reasons.append(f"{each} failed.")
        used.append(each)
        yield backend
    if not used:
        raise BackendUnavailable(
            f"No backend can run here: {' '.join(reasons)} Run `make setup`, or see "
            "`python -m runtime doctor`."
        )


def on_processor(folder: Path) -> Optional[Type[Backend]]:
    """The first usable one of `ON_PROCESSOR`; None if there is none. `folder` holds the graphs."""
    for each in ON_PROCESSOR:
        backend = backend_class(each)
        try:
            backend.check(folder)
        except BackendUnavailable as error:
            _log.debug("%s", error)
        else:
            return backend
    return None


def _in_order(used: Sequence[str], reasons: List[str]) -> Iterator[str]:
    """The names in `PREFERENCE`, with torch moved to the end where it has no GPU.

    A generator, so that torch is not imported unless the backends before it were unusable. It is
    left out beside one of those `used` where the memory is too small; `reasons` then says so.
    """
    from runtime.backends.pyt import has_gpu

    postponed = []
    for each in PREFERENCE:
        if each != "pyt":
            yield each
            continue
        board = board_memory_mib()
        if used and 0 < board < LEAST_MIB_FOR_TWO:
            reasons.append(
                f"pyt is not loaded beside {used[0]}: the board has {board} MiB of memory, and both "
                f"together need {LEAST_MIB_FOR_TWO}."
            )
        elif has_gpu():
            yield each
        else:
            postponed.append(each)
    yield from postponed


def first_success(
    backends: Iterable[Type[Backend]], job: Callable[[Type[Backend]], Result]
) -> Result:
    """What `job` returns for the first of `backends` that does not fail; logs the failures.

    Raises the last backend's `BackendError` when all fail. Other exceptions are not caught.
    """
    failure: Optional[BackendError] = None
    for backend in backends:
        if failure is not None:
            _log.warning("%s Continuing with %s.", failure, backend.name)
        try:
            return job(backend)
        except BackendError as error:
            failure = error
    assert failure is not None, "candidates() yields at least one, or raises"
    raise failure
