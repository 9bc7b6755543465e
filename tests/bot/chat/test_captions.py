"""What a job's message says, in both languages."""

from __future__ import annotations

import functools

import pytest

from bot.chat import captions, catalog
from bot.chat.texts import LANGUAGES, make_i18n
from bot.jobs.scheduler import Estimate
from bot.painting.protocol import TRANSLATE, PaintProgress
from bot.storage.jobs import CANCELLED, FAILED, PAINTED, Job
from bot.storage.users import StyleChoice
from runtime import models
from runtime.spec.graphs import generator_graph
from tests.support.bot.orders import order

CAUSES = ("not-a-picture", "damaged", "too-large", "too-small", "too-heavy", "gone")
FAILURE = {
    "en": "I could not paint this one. Please try a smaller size in /settings, or try again later.",
    "ru": "Нарисовать не получилось. Попробуйте размер поменьше в /settings или повторите позже.",
}


@pytest.fixture(params=sorted(LANGUAGES))
def language(request):
    i18n = make_i18n()
    with i18n.context(), i18n.use_locale(request.param):
        yield request.param


def job(outcome, **changes):
    return Job(
        id=1,
        order=order(**changes),
        state="finished",
        outcome=outcome,
        attempts=1,
        status_message=None,
        created=0.0,
        started=None,
        finished=None,
    )


def test_each_reason_has_a_sentence_of_its_own(language):
    said = [captions.reason(f"{role}:{cause}") for role in ("photo", "style") for cause in CAUSES]
    assert len(set(said)) == len(said)
    for text in said:
        assert text != FAILURE[language]
        assert "{" not in text
        assert any("а" <= letter <= "я" for letter in text) == (language == "ru")


@pytest.mark.parametrize(
    ("outcome", "number"),
    [("photo:too-large", "50"), ("style:too-small", "32"), (captions.TOO_HEAVY, "20")],
)
def test_a_limit_is_named(language, outcome, number):
    assert f" {number} " in captions.reason(outcome)


@pytest.mark.parametrize("outcome", [FAILED, "", "of another version:unheard"])
def test_any_other_failure_says_what_may_help(language, outcome):
    assert captions.reason(outcome) == FAILURE[language]
    assert captions.ended(job(outcome), language) == FAILURE[language]


def test_a_result_is_told_by_its_style(language, tmp_path, monkeypatch):
    (tmp_path / generator_graph("vintage").onnx_file).touch()
    monkeypatch.setattr(catalog, "models", functools.partial(models, tmp_path))
    said = {
        "en": [
            "Your photo in the style “Night Swirls”.",
            "Your photo in the style of your picture.",
            "Vintage photo",
            "Cancelled.",
        ],
        "ru": [
            "Ваше фото в стиле «Ночные вихри».",
            "Ваше фото в стиле вашей картинки.",
            "Старинный снимок",
            "Отменено.",
        ],
    }
    jobs = [
        job(PAINTED),
        job(PAINTED, style=StyleChoice(picture=2)),
        job(PAINTED, kind=TRANSLATE, style=None, model="vintage"),
        job(CANCELLED),
    ]
    assert [captions.ended(each, language) for each in jobs] == said[language]


def test_the_queue_and_the_bar(language):
    said = {
        "en": [
            "Your place in the queue: 2.\nAbout 3 min left.",
            "Your place in the queue: 1.",
            "Painting… ▱▱▱▱▱▱▱▱▱▱ 0%",
            "Painting… ▰▰▰▰▱▱▱▱▱▱ 42%\nAbout 40 s left.",
        ],
        "ru": [
            "Ваше место в очереди: 2.\nОсталось примерно 3 мин.",
            "Ваше место в очереди: 1.",
            "Рисую… ▱▱▱▱▱▱▱▱▱▱ 0 %",
            "Рисую… ▰▰▰▰▱▱▱▱▱▱ 42 %\nОсталось примерно 40 с.",
        ],
    }
    progress = PaintProgress(share=0.42, step=42, steps=100)
    texts = [
        captions.waiting(Estimate(2, 180.0)),
        captions.waiting(Estimate(1, None)),
        captions.painting(None, None),
        captions.painting(progress, Estimate(0, 41.0)),
    ]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts] == said[language]
