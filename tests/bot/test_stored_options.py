"""Options go through JSON whole, whatever fields they get."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from bot.stored_options import Kind, kind_of, options_from_json, options_to_json, with_chosen
from runtime import StylizeOptions, TranslateOptions, VideoOptions

OTHERS = {
    Kind.STYLIZE: StylizeOptions(strength=0.25, size=256, keep_colours=True, seed=7, steps=9),
    Kind.TRANSLATE: TranslateOptions(size=300, detail=False),
    Kind.VIDEO: VideoOptions(size=300, strength=0.25, keep_colours=True),
}


@pytest.mark.parametrize("kind", Kind)
def test_options_come_back_as_they_were(kind):
    given = OTHERS[kind]
    assert kind_of(given) is kind
    text = options_to_json(given)
    assert set(json.loads(text)) == {each.name for each in fields(given)}
    assert options_from_json(kind, text) == given


def test_a_value_that_is_missing_is_the_default():
    assert options_from_json(Kind.STYLIZE, '{"size": 256}') == StylizeOptions(size=256)


@pytest.mark.parametrize("chosen", [{"size": 3}, {"size": "large"}, {"from_the_future": 1}])
def test_a_value_that_is_not_allowed_is_left_out_and_logged(caplog, chosen):
    given = with_chosen(StylizeOptions(steps=9), {**chosen, "strength": 1.0})
    assert given == StylizeOptions(steps=9, strength=1.0)
    ((name, value),) = chosen.items()
    assert f"The stored option {name}={value!r} is ignored" in caplog.text
