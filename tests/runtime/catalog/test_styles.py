from __future__ import annotations

import json

import pytest

from runtime.catalog.styles import LANGUAGES, find_style, installed_styles
from runtime.errors import PictureError
from tests.support.pictures import image


@pytest.fixture()
def folder(tmp_path):
    entries = [
        {
            "name": name,
            "file": f"{name}.jpg",
            "title": {"en": name, "ru": "имя"},
            "author": {"en": "A", "ru": "А"},
            "year": 1889,
            "licence": "CC0-1.0",
        }
        for name in ("waves", "absent")
    ]
    (tmp_path / "index.json").write_text(json.dumps(entries), encoding="utf-8")
    for name in ("waves.jpg", "my-own picture.png"):
        image(64, 64, seed=1).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def test_bundled_styles_are_offered():
    styles = installed_styles()
    assert len(styles) >= 6
    for style in styles.values():
        assert style.path.exists() and all(style.title[each] for each in LANGUAGES)


def test_owner_s_pictures_join_and_missing_ones_do_not(folder):
    styles = installed_styles(folder)
    assert list(styles) == ["waves", "my-own picture"]
    assert styles["my-own picture"].title["ru"] == "my own picture"


def test_style_is_found_by_name_or_file(folder):
    assert find_style("waves", folder) == folder / "waves.jpg"
    assert find_style(str(folder / "waves.jpg"), folder) == folder / "waves.jpg"


def test_unknown_style_lists_the_names(folder):
    with pytest.raises(PictureError, match=r"'starry'.*waves, my-own picture"):
        find_style("starry", folder)
