"""Gets Caltech-101 by torchvision, where it is installed and the network allows."""

from __future__ import annotations

from pathlib import Path

from export.errors import DatasetError
from export.training.data import ADDRESS


def download(folder: Path) -> None:
    """Let torchvision fetch and unpack Caltech-101 below `folder`.

    Raises `DatasetError`, which says how to supply it by hand, if that cannot be.
    """
    try:
        from torchvision.datasets import Caltech101

        folder.mkdir(parents=True, exist_ok=True)
        Caltech101(str(folder), download=True)
    # torchvision lets through whatever its network libraries, archives and checks raise, and a
    # build for another torch fails to load in ways of its own.
    except Exception as error:
        raise DatasetError(
            f"Caltech-101 cannot be fetched ({type(error).__name__}: {error}). By hand: get it "
            f"from {ADDRESS} (137 MB), unpack it and 101_ObjectCategories.tar.gz in it into "
            f"{folder}, or say with --data where it is."
        ) from error
