from __future__ import annotations

from dataclasses import fields, replace

import pytest

from bot.chat.languages import LANGUAGES, make_i18n
from bot.chat.user_options import Step, described, settings_for, stepped
from runtime import StylizeOptions


@pytest.fixture(params=sorted(LANGUAGES))
def language(request):
    i18n = make_i18n()
    with i18n.context(), i18n.use_locale(request.param):
        yield request.param


SETTINGS = settings_for(1280)


@pytest.mark.parametrize("key", SETTINGS)
def test_every_choice_is_a_value_of_the_options_and_has_a_text_of_its_own(language, key):
    setting = SETTINGS[key]
    assert setting.option in {each.name for each in fields(StylizeOptions)}
    texts = set()
    for number, value in enumerate(setting.choices):
        options = replace(StylizeOptions(), **{setting.option: value})
        assert setting.value(options) == value and setting.label(number, value)
        texts.add(described(SETTINGS, options))
    assert len(texts) == len(setting.choices)


@pytest.mark.parametrize(
    ("option", "ladder"),
    [("strength", [0.0, 0.25, 0.5, 0.75, 1.0]), ("brush", ["fine", "medium", "broad"])],
)
def test_an_option_goes_step_by_step_and_ends(option, ladder):
    options, passed = StylizeOptions(**{option: ladder[0]}), [ladder[0]]
    while (following := stepped(options, Step(option, 1))) is not None:
        assert stepped(following, Step(option, -1)) == options
        options = following
        passed.append(getattr(options, option))
    assert passed == ladder
    assert stepped(StylizeOptions(**{option: ladder[0]}), Step(option, -1)) is None


def test_a_value_between_two_choices_goes_to_either():
    options = StylizeOptions(strength=0.3)
    assert stepped(options, Step("strength", -1)).strength == 0.25
    assert stepped(options, Step("strength", 1)).strength == 0.5
