from __future__ import annotations

import pytest

from bot.sandbox.api.arguments import Arguments
from bot.sandbox.api.formatting import caption_content, text_content


def _text(source):
    return text_content(Arguments({"text": source, "parse_mode": "HTML"}, {}))


def test_offsets_count_utf16_units():
    content = _text("🎨 <b>кисть</b>")
    assert content["text"] == "🎨 кисть"
    assert content["entities"] == [{"type": "bold", "offset": 3, "length": 5}]


def test_tags_within_tags():
    content = _text('<b>a<i>b</i></b><a href="https://e.org/?a=1&amp;b=2">c</a>')
    assert content["text"] == "abc"
    assert content["entities"] == [
        {"type": "bold", "offset": 0, "length": 2},
        {"type": "italic", "offset": 1, "length": 1},
        {"type": "text_link", "url": "https://e.org/?a=1&b=2", "offset": 2, "length": 1},
    ]


def test_white_space_at_the_ends_goes_and_entities_follow():
    content = _text("\n <code> x </code> ")
    assert content["text"] == "x"
    assert content["entities"] == [{"type": "code", "offset": 0, "length": 1}]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("&lt;b&gt; &amp; &quot;&#1078;&#x436;", '<b> & "жж'),
        ("Fish & chips &nosuch;", "Fish & chips &nosuch;"),
        ("1 > 0", "1 > 0"),
    ],
)
def test_characters_by_name_and_number(source, text):
    assert _text(source) == {"text": text}


def test_given_entities_are_kept():
    entities = '[{"type": "bold", "offset": 0, "length": 2}]'
    content = caption_content(Arguments({"caption": "hi", "caption_entities": entities}, {}))
    assert content["caption_entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert caption_content(Arguments({}, {})) == {}
