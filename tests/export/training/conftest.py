"""What all tests of the training share."""

from __future__ import annotations

import importlib.util

import pytest


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    """Compute with one thread: small networks only lose by waiting for more."""
    if importlib.util.find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
