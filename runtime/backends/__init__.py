"""The backends by name, and the choice of one."""

from __future__ import annotations

import importlib
import logging
from typing import Callable, Iterable, Iterator, Mapping, Optional, Tuple, Type, TypeVar

from runtime.backends.base import Backend
from runtime.errors import BackendError, BackendUnavailable, OptionError

__all__ = [
    "AUTO",
    "BACKENDS",
    "PREFERENCE",
    "Backend",
    "backend_class",
    "candidates",
    "first_success",
]

Result = TypeVar("Result")

AUTO = "auto"

#: Each backend's module and class: a module is imported when its backend is asked for.
_BACKENDS: Mapping[str, Tuple[str, str]] = {
    "trt": ("runtime.backends.trt", "TrtBackend"),
    "openvino": ("runtime.backends.ov", "OpenVinoBackend"),
    "onnxrt": ("runtime.backends.onnxrt", "OnnxRuntimeBackend"),
    "pyt": ("runtime.backends.pyt", "PytBackend"),
    "fake": ("runtime.backends.fake", "FakeBackend"),
}

#: The order in which `auto` takes them, fastest first; without a GPU `pyt` comes last.
PREFERENCE = ("trt", "pyt", "openvino", "onnxrt")

BACKENDS = tuple(_BACKENDS)

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


def candidates(name: str = AUTO) -> Iterator[Type[Backend]]:
    """The backends to try in turn: the one named, or for `auto` all that can run here.

    Logs which is taken and why. Raises `BackendUnavailable` when none can run here.
    """
    reasons = []
    found = False
    for each in _in_order() if name == AUTO else (name,):
        backend = backend_class(each)
        try:
            device = backend.check()
        except BackendUnavailable as error:
            reasons.append(str(error))
            continue
        passed_over = f" (passed over: {' '.join(reasons)})" if reasons else ""
        _log.info("backend %s on %s%s", each, device, passed_over)
        reasons.append(f"{each} failed.")
        found = True
        yield backend
    if not found:
        raise BackendUnavailable(
            f"No backend can run here: {' '.join(reasons)} Run `make setup`, or see "
            "`python -m runtime doctor`."
        )


def _in_order() -> Iterator[str]:
    """`PREFERENCE`, but for torch without a GPU, which is put last.

    One at a time: what comes before torch keeps it out of the process.
    """
    from runtime.backends.pyt import has_gpu

    put_off = []
    for each in PREFERENCE:
        if each == "pyt" and not has_gpu():
            put_off.append(each)
        else:
            yield each
    yield from put_off


def first_success(
    backends: Iterable[Type[Backend]], job: Callable[[Type[Backend]], Result]
) -> Result:
    """What `job` gives with the first of `backends` that gets through; logs those that do not.

    Raises the last one's `BackendError` when none does; other exceptions pass at once.
    """
    failure: Optional[BackendError] = None
    for backend in backends:
        if failure is not None:
            _log.warning("%s Going on with %s.", failure, backend.name)
        try:
            return job(backend)
        except BackendError as error:
            failure = error
    assert failure is not None, "candidates() yields one at least, or raises"
    raise failure
