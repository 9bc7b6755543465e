"""The index of the gallery: every entry complete, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict

import pytest

import styles
from styles.fetch import read_index
from styles.tools import PAINTERS

FOLDER = Path(styles.__file__).parent
ENTRIES = read_index()
entries = pytest.mark.parametrize("entry", ENTRIES, ids=[entry["name"] for entry in ENTRIES])


@entries
def test_an_entry_is_complete(entry: Dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry["name"])
    assert entry["file"] == entry["name"] + ".jpg"
    assert entry["licence"] in ("CC0-1.0", "Public domain")
    assert 1400 < entry["year"] < 2100
    assert entry["source"]
    for field in ("title", "author"):
        assert set(entry[field]) == {"en", "ru"}
        assert all(text.strip() for text in entry[field].values())
    assert re.search("[а-яё]", entry["title"]["ru"])
    assert not re.search("[а-яё]", entry["title"]["en"] + entry["author"]["en"])


def test_names_and_titles_are_unique() -> None:
    for key in ("name", "file"):
        assert len({entry[key] for entry in ENTRIES}) == len(ENTRIES)
    for language in ("en", "ru"):
        assert len({entry["title"][language] for entry in ENTRIES}) == len(ENTRIES)


def test_bundled_styles_are_painted_and_shipped() -> None:
    bundled = {entry["name"]: entry for entry in ENTRIES if "url" not in entry}
    assert set(bundled) == set(PAINTERS)
    for name, entry in bundled.items():
        module = f"styles/tools/{PAINTERS[name]}.py"
        assert entry["source"] == f"painted by {module}"
        assert (FOLDER.parent / module).is_file()
        assert (FOLDER / entry["file"]).is_file()


def test_famous_paintings_come_from_commons_and_stay_out_of_git() -> None:
    famous = [entry for entry in ENTRIES if "url" in entry]
    assert len(famous) == 6
    ignored = (FOLDER / ".gitignore").read_text(encoding="utf-8").split()
    for entry in famous:
        pattern = r"https://commons\.wikimedia\.org/wiki/Special:FilePath/[^?]+\.jpg\?width=1280"
        assert re.fullmatch(pattern, entry["url"])
        assert " " not in entry["url"]
        assert entry["file"] in ignored
