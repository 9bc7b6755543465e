"""Keeps other processes out of the bot's environment, memory and files."""

from __future__ import annotations

import ctypes
import logging
import os
import sys

_log = logging.getLogger(__name__)

#: Numbers of prctl(2).
_PR_SET_DUMPABLE = 4


def keep_private() -> None:
    """Close this process and the files that it creates to others, those of the same user included.

    The environment contains the bot's token, and the painter, which opens pictures of strangers,
    runs as the same user: /proc/PID/environ and ptrace are closed to it (`PR_SET_DUMPABLE`). A
    program that this process starts is not closed.
    """
    os.umask(0o077)
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        reason = os.strerror(ctypes.get_errno())
        _log.warning("The painter may read the bot's environment: prctl failed (%s).", reason)
