"""The checkpoint: whole or not at all, and of this very run."""

from __future__ import annotations

import resource

import pytest

from export.errors import StateError
from export.training.state import load_state, save_state

torch = pytest.importorskip("torch")

IDENTITY = {"side": 32, "start": "vgg19 1234"}


def state(values):
    return {"identity": IDENTITY, "network": {"a.weight": torch.arange(float(values))}}


@pytest.fixture
def full_disk():
    """No file can grow beyond 64 KiB: writing then fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))

    yield fill
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_comes_back_as_it_went(tmp_path):
    path = tmp_path / "run" / "checkpoint.pt"
    save_state(path, state(5))
    stored = load_state(path, IDENTITY)
    assert torch.equal(stored["network"]["a.weight"], torch.arange(5.0))
    assert [each.name for each in path.parent.iterdir()] == ["checkpoint.pt"]


def test_without_room_the_last_good_one_is_kept(tmp_path, full_disk):
    path = tmp_path / "checkpoint.pt"
    save_state(path, state(5))
    full_disk()
    with pytest.raises(StateError, match=r"File too large.*checkpoint\.pt, is kept.*Make room"):
        save_state(path, state(100_000))
    assert len(load_state(path, IDENTITY)["network"]["a.weight"]) == 5
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_without_room_from_the_beginning_it_says_so(tmp_path, full_disk):
    full_disk()
    with pytest.raises(StateError, match="There is none yet"):
        save_state(tmp_path / "checkpoint.pt", state(100_000))


def test_other_settings_are_named(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_state(path, state(5))
    with pytest.raises(StateError, match=r"side 32, now 48.*--restart"):
        load_state(path, {**IDENTITY, "side": 48})


@pytest.mark.parametrize(
    "harm", [lambda data: b"", lambda data: data[:-300], lambda data: b"<html>"]
)
def test_a_damaged_one_is_told(tmp_path, harm):
    path = tmp_path / "checkpoint.pt"
    save_state(path, state(5000))
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(StateError, match=r"is damaged.*--restart"):
        load_state(path, IDENTITY)
