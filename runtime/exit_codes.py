"""The exit codes that the command lines share."""

from __future__ import annotations

import os
import select
import sys
from typing import Callable, Type

from runtime.errors import JetbrushError

FAILED = 1
#: What a shell reports for a program that Ctrl-C ended.
INTERRUPTED = 130
#: What a shell reports for a program that SIGPIPE ended, such as one whose output `head` cut off.
NO_READER = 141


def run_command(
    command: Callable[[], int],
    *,
    reported: Type[Exception] = JetbrushError,
    interrupted: str = "interrupted",
) -> int:
    """Run `command`; returns its exit code, `FAILED` after an error, `INTERRUPTED` after Ctrl-C.

    Errors of the type `reported` are printed as one sentence; `interrupted` is what Ctrl-C prints.
    When the reader of stdout has closed it, returns `NO_READER` and prints nothing. Other exceptions
    are not caught.
    """
    try:
        code = command()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        if not _stdout_is_closed():
            raise
        return NO_READER
    except reported as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED


def _stdout_is_closed() -> bool:
    """Whether nobody reads stdout any more; if so, discard the output that is left."""
    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):  # it is no file
        return False
    poll = select.poll()
    poll.register(output, 0)
    if not any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0)):
        return False
    # Python flushes stdout once more when it ends.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, output)
    os.close(null)
    return True
