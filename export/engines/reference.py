"""The reference of an engine: inputs with their float32 outputs, which a new plan is tested with.

A file `NAME.reference.npz` keeps the arrays as `in/INPUT` and `out/OUTPUT`, and the sha256 of the
ONNX file that computed them as `onnx_sha256`. The builder's process reads it, without onnx.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping, Tuple

import numpy as np

from runtime.files import atomic_write

_INPUT, _OUTPUT, _SUM = "in/", "out/", "onnx_sha256"

#: In a simulation, FP16 plans with the pins of `export.graphs.gatys` and `export.graphs.generator`
#: kept 0.998.
MIN_COSINE = 0.99

#: How far the length of an output may be from the reference's, as a share of it.
MAX_LENGTH_ERROR = 0.05

Arrays = Mapping[str, np.ndarray]


def write_reference(path: Path, onnx_sha256: str, inputs: Arrays, outputs: Arrays) -> None:
    """Write the reference file at `path`, whole or not at all; raises `OSError` if it cannot be."""
    arrays = {f"{_INPUT}{name}": value for name, value in inputs.items()}
    arrays.update((f"{_OUTPUT}{name}", value) for name, value in outputs.items())
    arrays[_SUM] = np.array(onnx_sha256)
    with atomic_write(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def read_reference(path: Path) -> Tuple[Dict[str, np.ndarray], Dict[str, np.ndarray]]:
    """The inputs and the outputs in the reference file at `path`."""
    with np.load(path) as file:
        arrays = dict(file)
    inputs, outputs = (
        {name[len(prefix) :]: value for name, value in arrays.items() if name.startswith(prefix)}
        for prefix in (_INPUT, _OUTPUT)
    )
    return inputs, outputs


def is_current(path: Path, onnx_sha256: str) -> bool:
    """Whether the reference file exists and was computed from this ONNX file."""
    if not path.exists():
        return False
    with np.load(path) as arrays:
        return bool(arrays[_SUM] == onnx_sha256)


def complaints(results: Arrays, expected: Arrays) -> List[str]:
    """What is wrong with `results`, a sentence for each bad output; empty if all are good."""
    found = []
    for name, reference in expected.items():
        values = results[name].astype(np.float64).ravel()
        right = reference.astype(np.float64).ravel()
        bad = np.count_nonzero(~np.isfinite(values))
        if bad:
            found.append(f"{name} has {bad} values that are infinite or not numbers.")
            continue
        length, right_length = np.linalg.norm(values), np.linalg.norm(right)
        # A reference of zeros has no direction: its length alone counts.
        cosine = float(values @ right) / max(length * right_length, 1e-30) if right_length else 1.0
        off = abs(length - right_length) / max(right_length, 1e-30)
        if cosine < MIN_COSINE or off > MAX_LENGTH_ERROR:
            found.append(
                f"{name} has a cosine of {cosine:.4f} with the reference and a length off by "
                f"{off:.1%}; expected at least {MIN_COSINE} and at most {MAX_LENGTH_ERROR:.0%}."
            )
    return found
