from __future__ import annotations

from dataclasses import fields, replace

import pytest

from bot.chat.languages import LANGUAGES, make_i18n
from bot.chat.user_options import SETTINGS, described, stronger, weaker
from runtime import StylizeOptions


@pytest.fixture(params=sorted(LANGUAGES))
def language(request):
    i18n = make_i18n()
    with i18n.context(), i18n.use_locale(request.param):
        yield request.param


@pytest.mark.parametrize("key", SETTINGS)
def test_every_choice_is_a_value_of_the_options_and_has_a_text_of_its_own(language, key):
    setting = SETTINGS[key]
    assert setting.option in {each.name for each in fields(StylizeOptions)}
    texts = set()
    for number, value in enumerate(setting.choices):
        options = replace(StylizeOptions(), **{setting.option: value})
        assert setting.value(options) == value and setting.label(number, value)
        texts.add(described(options))
    assert len(texts) == len(setting.choices)


def test_strength_goes_step_by_step_and_ends():
    options, passed = StylizeOptions(strength=0.0), []
    while (strength := stronger(options)) is not None:
        passed.append(strength)
        options = replace(options, strength=strength)
    assert passed == [0.25, 0.5, 0.75, 1.0] and weaker(options) == 0.75
    assert weaker(StylizeOptions(strength=0.0)) is None
