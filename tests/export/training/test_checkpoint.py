"""The checkpoint: written atomically, and resumed only by a run with the same settings."""

from __future__ import annotations

import resource

import pytest

from export.errors import StateError
from export.training.checkpoint import load_checkpoint, save_checkpoint

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


def test_a_checkpoint_survives_the_round_trip(tmp_path):
    path = tmp_path / "run" / "checkpoint.pt"
    save_checkpoint(path, state(5))
    stored = load_checkpoint(path, IDENTITY)
    assert torch.equal(stored["network"]["a.weight"], torch.arange(5.0))
    assert [each.name for each in path.parent.iterdir()] == ["checkpoint.pt"]


def test_on_a_full_disk_the_previous_one_is_kept(tmp_path, full_disk):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, state(5))
    full_disk()
    with pytest.raises(StateError, match=r"File too large.*checkpoint\.pt, is kept.*Free space"):
        save_checkpoint(path, state(100_000))
    assert len(load_checkpoint(path, IDENTITY)["network"]["a.weight"]) == 5
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_on_a_full_disk_without_a_previous_one_the_error_says_so(tmp_path, full_disk):
    full_disk()
    with pytest.raises(StateError, match="There is none yet"):
        save_checkpoint(tmp_path / "checkpoint.pt", state(100_000))


def test_what_a_killed_run_was_writing_is_removed(tmp_path):
    path = tmp_path / "checkpoint.pt"
    (tmp_path / ".checkpoint.pt.12345678.part").write_bytes(b"half")
    save_checkpoint(path, state(5))
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_other_settings_are_named(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, state(5))
    with pytest.raises(StateError, match=r"side 32, now 48.*--restart"):
        load_checkpoint(path, {**IDENTITY, "side": 48})


@pytest.mark.parametrize(
    "harm", [lambda data: b"", lambda data: data[:-300], lambda data: b"<html>"]
)
def test_a_damaged_one_is_reported(tmp_path, harm):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, state(5000))
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(StateError, match=r"is damaged.*--restart"):
        load_checkpoint(path, IDENTITY)
