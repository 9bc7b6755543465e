"""A backend without a network, for tests of everything around the graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

import numpy as np

from runtime.backends.base import Arrays, Backend


class FakeBackend(Backend):
    """Returns zeros of the graph's shapes, and for a gatys graph a loss with its minimum at mid-grey.

    The loss is the mean square of image - 0.5, times the content weight.
    """

    name = "fake"

    @classmethod
    def check(cls, folder: Path) -> str:
        """Always usable."""
        return "no device"

    def _load(self) -> None:
        """Nothing to load."""

    def _run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        results = {
            spec.name: np.zeros(spec.resolve(self.height, self.width), spec.dtype)
            for spec in self.graph.outputs
        }
        if "gradient" in results:
            away = feeds["image"] - np.float32(0.5)
            results["content_loss"][:] = np.mean(np.square(away))
            results["gradient"] = away * np.float32(2 / away.size) * feeds["content_weight"]
        return results

    def _close(self) -> None:
        """Nothing to close."""
