"""Removes the graphs and engines of releases whose file names did not contain the weight set."""

from __future__ import annotations

import re
from pathlib import Path

from runtime.spec.graphs import GraphKind
from runtime.spec.vgg import OBJECTIVES, POOLINGS

#: `gatys-deep-average.onnx`, and `gatys-deep-average-384x288.` with any suffix of an engine's files.
_OLD_NAME = re.compile(
    rf"({GraphKind.FEATURES.value}|{GraphKind.GATYS.value})-({'|'.join(OBJECTIVES)})-"
    rf"({'|'.join(POOLINGS)})(\.onnx|-\d+x\d+\..+)"
)


def remove_old_names(folder: Path) -> None:
    """Remove the files with old names from `folder`, and say so.

    Nothing can use them: the graph's name is part of its ONNX file, so their engines are stale.
    """
    old = sorted(path for path in folder.iterdir() if _OLD_NAME.fullmatch(path.name))
    for path in old:
        path.unlink()
    if old:
        print(
            f"removed {len(old)} files of an earlier release from {folder}, such as {old[0].name}; "
            "`make engines` builds engines again"
        )
