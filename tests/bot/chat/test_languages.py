"""The translations are complete, and say what the code says."""

from __future__ import annotations

import gettext
import string
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from bot.chat.languages import DOMAIN, LANGUAGES, LOCALES, SOURCE, about, language_of, make_i18n
from bot.storage.users import User
from runtime import StylizeOptions

BOT = LOCALES.parent
TRANSLATIONS = [language for language in LANGUAGES if language != SOURCE]

#: core.telegram.org/bots/api: answers to pressed buttons are the shortest kind of text.
MOST_IN_A_MESSAGE, MOST_IN_AN_ANSWER, MOST_IN_A_COMMAND = 4096, 200, 256


def folder(language):
    return LOCALES / language / "LC_MESSAGES"


def catalogue(language):
    with (folder(language) / f"{DOMAIN}.po").open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def forms(text):
    """All plural forms of a text."""
    return list(text) if isinstance(text, (tuple, list)) else [text]


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def tags(text):
    return sorted(part.partition(">")[0] for part in text.split("<")[1:])


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_every_text_of_the_code_is_translated_and_no_other(language):
    keywords = {**DEFAULT_KEYWORDS, "translatable": None}
    found = [
        text
        for folder in (BOT, BOT.parent / "runtime" / "catalog")
        for text in extract_from_dir(str(folder), keywords=keywords)
    ]
    in_code = {message for _file, _line, message, _comments, _context in found}
    messages = [message for message in catalogue(language) if message.id]
    assert {message.id for message in messages} == in_code, "make texts"
    for message in messages:
        assert all(forms(message.string)), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_translations_hold_the_same_placeholders_and_tags(language):
    for message in catalogue(language):
        if not message.id:
            continue
        original = forms(message.id)[-1]
        for text in forms(message.string):
            assert placeholders(text) == placeholders(original), text
            assert tags(text) == tags(original), text


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_the_compiled_catalogue_is_current(language):
    with (folder(language) / f"{DOMAIN}.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    messages = catalogue(language)
    form_of = gettext.c2py(messages.plural_expr)
    for message in messages:
        if isinstance(message.id, tuple):
            for number in (1, 2, 5, 11, 21, 101):
                wanted = message.string[form_of(number)]
                assert compiled.ngettext(*message.id, number) == wanted, "make texts"
        elif message.id:
            assert compiled.gettext(message.id) == message.string, "make texts"


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_no_text_is_longer_than_telegram_takes(language):
    for message in catalogue(language):
        for text in forms(message.id) + forms(message.string):
            assert len(text) < MOST_IN_A_MESSAGE / 4, text


def test_what_answers_a_button_fits_into_an_alert():
    beginnings = ("You already have", "I'm very busy", "This photo is already", "This button is")
    found = [
        message
        for message in catalogue("ru")
        if message.id and forms(message.id)[0].startswith(beginnings)
    ]
    assert len(found) == 5
    for message in found:
        for text in forms(message.id) + forms(message.string):
            assert len(text) <= MOST_IN_AN_ANSWER, text


def test_russian_is_typeset_as_russian():
    for message in catalogue("ru"):
        for text in forms(message.string) if message.id else ():
            assert '"' not in text and "“" not in text and " - " not in text, text


@pytest.mark.parametrize(
    ("chosen", "telegram", "spoken"),
    [
        (None, "ru", "ru"),
        (None, "uk", "ru"),
        (None, "kk", "ru"),
        (None, "en-GB", "en"),
        (None, "pt-br", "en"),
        (None, None, "en"),
        ("en", "ru", "en"),
        ("ru", "de", "ru"),
        ("xx", "ru", "ru"),
    ],
)
def test_which_language_is_spoken(chosen, telegram, spoken):
    person = User(1, StylizeOptions(), language=chosen)
    assert language_of(person, telegram) == spoken


def test_of_an_unknown_person_only_telegram_tells():
    assert language_of(None, "be") == "ru"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "5 s"),
        (41, "40 s"),
        (54.9, "55 s"),
        (55, "1 min"),
        (80, "1 min"),
        (100, "2 min"),
        (7500, "2 h 5 min"),
        (86_399, "1 d 0 h"),
        (200_000, "2 d 7 h"),
    ],
)
def test_lengths_of_time(seconds, said):
    i18n = make_i18n()
    with i18n.context(), i18n.use_locale("en"):
        assert about(seconds) == said


def test_a_language_is_found_wherever_the_bot_is_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    i18n = make_i18n()
    assert i18n.gettext("Cancel", locale="ru") == "Отменить"
    assert Path(i18n.path).is_absolute()
