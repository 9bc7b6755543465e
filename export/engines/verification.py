"""Compares what a new plan computes with the float32 reference, before it takes its place."""

from __future__ import annotations

from typing import Dict, List, Mapping

import numpy as np

#: FP16 plans with the pins of `export.graphs.gatys` and `export.graphs.generator` were simulated to keep 0.998.
LEAST_COSINE = 0.99

#: How far the length of an output may be from the reference's, as a share of it.
MOST_LENGTH_ERROR = 0.05


def complaints(results: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> List[str]:
    """What is wrong with `results`, a sentence for each bad output; empty if nothing is."""
    found = []
    for name, reference in expected.items():
        values = results[name].astype(np.float64).ravel()
        right = reference.astype(np.float64).ravel()
        bad = np.count_nonzero(~np.isfinite(values))
        if bad:
            found.append(f"{name} holds {bad} values that are not numbers.")
            continue
        length, right_length = np.linalg.norm(values), np.linalg.norm(right)
        # A reference of zeros has no direction: its length alone counts.
        cosine = float(values @ right) / max(length * right_length, 1e-30) if right_length else 1.0
        off = abs(length - right_length) / max(right_length, 1e-30)
        if cosine < LEAST_COSINE or off > MOST_LENGTH_ERROR:
            found.append(
                f"{name} has a cosine of {cosine:.4f} with the reference and a length off by "
                f"{off:.1%}; expected at least {LEAST_COSINE} and at most {MOST_LENGTH_ERROR:.0%}."
            )
    return found


def split(arrays: Mapping[str, np.ndarray], prefix: str) -> Dict[str, np.ndarray]:
    """The arrays of a reference file under `prefix`, without it: `in/` or `out/`."""
    return {name[len(prefix) :]: arrays[name] for name in arrays if name.startswith(prefix)}
