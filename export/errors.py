"""The exceptions of `export`.

    runtime.errors.JetbrushError
    └── ExportError
        └── WeightsMissing   a weights file is not there or does not hold what it should
"""

from __future__ import annotations

from runtime.errors import JetbrushError


class ExportError(JetbrushError):
    """Weights, graphs or engines could not be fetched, read or written."""


class WeightsMissing(ExportError):
    """A weights file is not there or does not hold what it should."""
