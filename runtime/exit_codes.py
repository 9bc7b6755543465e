"""The exit codes that the command lines share."""

from __future__ import annotations

import sys
from typing import Callable, Type

from runtime.errors import JetbrushError

FAILED = 1
#: What a shell reports for a program that Ctrl-C ended.
INTERRUPTED = 130


def run_command(
    command: Callable[[], int],
    *,
    reported: Type[Exception] = JetbrushError,
    interrupted: str = "interrupted",
) -> int:
    """Run `command`; returns its exit code, `FAILED` after an error, `INTERRUPTED` after Ctrl-C.

    Errors of the type `reported` are printed as one sentence; `interrupted` is what Ctrl-C prints.
    Other exceptions are not caught.
    """
    try:
        return command()
    except reported as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED
