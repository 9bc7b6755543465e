"""Two releases beside each other, and the link to the one in use."""

from __future__ import annotations

import os

import pytest

from bot.errors import ReleaseError
from bot.upgrade.releases import Releases, complete, is_complete, mark_failed, name_of


@pytest.fixture()
def releases(tmp_path):
    return Releases(tmp_path / "opt" / "app")


def make(releases, name):
    """The next release, complete."""
    folder = releases.prepare()
    (folder / "program").write_text(name)
    complete(folder, name)
    return folder


def install(releases, name):
    releases.use(make(releases, name))


def test_each_upgrade_keeps_the_release_that_it_replaces(releases):
    assert releases.current is None
    for name, before in (("one", None), ("two", "one"), ("three", "two")):
        install(releases, name)
        assert (releases.link / "program").read_text() == name
        assert name_of(releases.current) == name
        if before:
            assert name_of(releases.previous()) == before
    # The link also works where the whole tree is moved, as a staging folder is.
    assert not os.readlink(str(releases.link)).startswith("/")


def test_an_interrupted_upgrade_continues_where_it_was(releases):
    install(releases, "one")
    (releases.prepare() / "compiled").write_text("for half an hour")
    assert (releases.prepare() / "compiled").read_text() == "for half an hour"
    with pytest.raises(ReleaseError, match="no earlier release"):
        releases.previous()


def test_a_release_that_failed_is_neither_continued_nor_taken_back_to(releases):
    install(releases, "one")
    install(releases, "two")
    one = releases.previous()
    mark_failed(releases.current)
    releases.use(one)
    with pytest.raises(ReleaseError, match="no earlier release"):
        releases.previous()
    assert not list(releases.prepare().iterdir())


def test_an_installation_of_before_becomes_the_earlier_release(releases):
    releases.link.mkdir(parents=True)
    (releases.link / "program").write_text("old")
    release = make(releases, "new")
    assert (releases.link / "program").read_text() == "old"
    releases.use(release)
    assert (releases.link / "program").read_text() == "new"
    assert (releases.previous() / "program").read_text() == "old"


def test_a_release_that_is_removed_is_never_half_there(releases, monkeypatch):
    """A power cut in the middle of the removal."""
    install(releases, "one")
    install(releases, "two")
    old = releases.previous()
    monkeypatch.setattr("shutil.rmtree", lambda *args, **options: None)
    releases.prepare()
    assert not list(old.iterdir()) and not is_complete(old)
