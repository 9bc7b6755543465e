"""`python -m export.engines.step MODULE JOB`: one step of a build, its errors as exit codes."""

from __future__ import annotations

import errno
import importlib
import sys
from typing import List

from export.engines.job import BUILD_FAILED, DISK_FULL, Job
from runtime.errors import JetbrushError

#: What the system says of a full disk, or of a full share of it.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def main(arguments: List[str]) -> int:
    """Let the module run its step of the job; returns its exit code, or that of its error."""
    module, job = arguments
    try:
        return int(importlib.import_module(module).step(Job.from_json(job)))
    except OSError as error:
        print(error, file=sys.stderr)
        return DISK_FULL if error.errno in NO_ROOM else BUILD_FAILED
    except JetbrushError as error:
        print(error, file=sys.stderr)
        return BUILD_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
