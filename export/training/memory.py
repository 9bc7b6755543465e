"""Tells of a memory that is full while training, and which batch to try."""

from __future__ import annotations

import contextlib
from typing import Iterator

from export.errors import BatchTooLarge
from export.training.options import TrainOptions

#: What torch says of the GPU's memory and of the machine's; it has no class of errors for both.
_MEMORY_ERRORS = ("out of memory", "can't allocate memory", "not enough memory")


@contextlib.contextmanager
def memory_told(options: TrainOptions, device: str) -> Iterator[None]:
    """Raise `BatchTooLarge` in the place of what torch raises when the memory is full."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        text = str(error).lower()
        if not (isinstance(error, MemoryError) or any(each in text for each in _MEMORY_ERRORS)):
            raise
        told = f"a batch of {options.batch} does not fit into the memory of the {device}. "
        raise BatchTooLarge(told + _smaller(options)) from error


def _smaller(options: TrainOptions) -> str:
    if options.batch > 1 and options.step_pictures % (options.batch // 2) == 0:
        batch = options.batch // 2
        return (
            f"Try --batch {batch} --accumulate {options.step_pictures // batch}: the same steps, "
            "and it goes on from the last checkpoint."
        )
    if options.batch > 1:
        return f"Try --batch {options.batch // 2} with --restart."
    return (
        f"Try smaller pictures, --side {max(32, options.side * 3 // 4)}, or a smaller network, "
        "--last-layer conv4_4, with --restart."
    )
