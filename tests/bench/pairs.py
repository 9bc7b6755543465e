"""The pictures that the benchmarks paint and translate."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PHOTOS = ROOT / "docs" / "pictures"
PAIRS = (
    ("nagasaki-boats.jpg", "night-swirls"),
    ("cat.jpg", "stained-glass"),
    ("coffee.jpg", "sunset-dots"),
)
PORTRAIT = PHOTOS / "cat.jpg"
