"""Which arguments are photos, and which are styles and their weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.cli.style_arguments import split_styles
from runtime.errors import OptionError


@pytest.mark.parametrize(
    ("arguments", "photos", "styles"),
    [
        ("a.jpg stained-glass", ["a.jpg"], [("stained-glass", 1)]),
        ("a.jpg b.jpg folder style.png", ["a.jpg", "b.jpg", "folder"], [("style.png", 1)]),
        ("a.jpg one:0.7 two:0.3", ["a.jpg"], [("one", 0.7), ("two", 0.3)]),
        ("a.jpg b.jpg one:2 two.png:.5 three:1.", ["a.jpg", "b.jpg"], [("one", 2), ("two.png", 0.5), ("three", 1)]),
        (r"a.jpg C:\one.jpg", ["a.jpg"], [(r"C:\one.jpg", 1)]),
        (r"a.jpg C:\one.jpg:0.7 http://two:3:0.3", ["a.jpg"], [(r"C:\one.jpg", 0.7), ("http://two:3", 0.3)]),
        ("a.jpg one:half", ["a.jpg"], [("one:half", 1)]),
        ("12:30 one:-1", ["12:30"], [("one:-1", 1)]),
    ],
)  # fmt: skip
def test_the_last_is_a_style_and_so_are_those_with_a_weight(arguments, photos, styles):
    *rest, last = arguments.split()
    assert split_styles(rest, last) == ([Path(each) for each in photos], styles)


def test_a_file_of_that_very_name_has_no_weight(tmp_path):
    (tmp_path / "at 12:30").touch()
    name = str(tmp_path / "at 12:30")
    assert split_styles(["a.jpg"], name) == ([Path("a.jpg")], [(name, 1)])
    photos, styles = split_styles([name, "one:0.5"], "two:0.5")
    assert photos == [Path(name)] and styles == [("one", 0.5), ("two", 0.5)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("a.jpg one:0 two:1", "The weight of 'one' is 0; expected a number above 0"),
        ("one:0.7 two:0.3", "No photo is given"),
        ("a.jpg stained-glass night-swirls", "stained-glass:0.5 night-swirls:0.5"),
        ("a.jpg stained-glass night-swirls:0.3", "stained-glass:0.5 night-swirls:0.5"),
    ],
)
def test_mistakes_are_told_with_what_to_write_instead(arguments, message):
    *rest, last = arguments.split()
    with pytest.raises(OptionError, match=message):
        split_styles(rest, last)
