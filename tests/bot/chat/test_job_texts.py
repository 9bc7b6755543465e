"""What a job's message says, in both languages."""

from __future__ import annotations

import pytest

from bot.chat import job_texts
from bot.chat.catalog import Catalog
from bot.chat.languages import LANGUAGES, make_i18n
from bot.jobs.estimates import Estimate
from bot.outcomes import CANCELLED, FAILED, PictureRole, Reason, Refusal, refused
from bot.painting.painters import Lack
from bot.painting.protocol import PaintProgress
from bot.storage.styles import StyleChoice, alone, mixed
from runtime import TranslateOptions
from runtime.spec.graphs import generator_graph
from tests.support.bot.orders import order

FAILURE = {
    "en": "I could not paint this one. Please try a smaller size in /settings, or try again later.",
    "ru": "Нарисовать не получилось. Попробуйте размер поменьше в /settings или повторите позже.",
}


@pytest.fixture(params=sorted(LANGUAGES))
def language(request):
    i18n = make_i18n()
    with i18n.context(), i18n.use_locale(request.param):
        yield request.param


def test_each_reason_has_a_sentence_of_its_own(language):
    said = [
        job_texts.not_painted(refused(picture, reason))
        for picture in PictureRole
        for reason in Reason
    ]
    assert len(set(said)) == len(said)
    for text in said:
        assert text != FAILURE[language]
        assert "{" not in text
        assert any("а" <= letter <= "я" for letter in text) == (language == "ru")


@pytest.mark.parametrize(
    ("picture", "reason", "number"),
    [
        (PictureRole.PHOTO, Reason.TOO_LARGE, "50"),
        (PictureRole.STYLE, Reason.TOO_SMALL, "32"),
        (PictureRole.PHOTO, Reason.TOO_HEAVY, "20"),
    ],
)
def test_a_limit_is_named(language, picture, reason, number):
    assert f" {number} " in job_texts.refused(Refusal(picture, reason))


def test_any_other_failure_says_what_may_help(language):
    assert job_texts.not_painted(FAILED) == FAILURE[language]


async def test_a_result_is_told_by_its_style(language, tmp_path):
    (tmp_path / generator_graph("vintage").onnx_file).touch()
    said = {
        "en": [
            "Your photo in the style “Night Swirls”.",
            "Your photo in the style of your picture.",
            "Your photo in a mix of styles: 70% Night Swirls, 30% your own picture.",
            "Vintage photo",
        ],
        "ru": [
            "Ваше фото в стиле «Ночные вихри».",
            "Ваше фото в стиле вашей картинки.",
            "Ваше фото в смеси стилей: 70 % Ночные вихри, 30 % ваша картинка.",
            "Старинный снимок",
        ],
    }
    orders = [
        order(),
        order(styles=alone(StyleChoice(picture=2))),
        order(styles=mixed(StyleChoice(name="night-swirls"), StyleChoice(picture=2), 0.7)),
        order(options=TranslateOptions(), styles=(), model="vintage"),
    ]
    catalog = Catalog(tmp_path)
    titles = [await catalog.title_of_order(each, language) for each in orders]
    texts = [job_texts.painted(each, title) for each, title in zip(orders, titles)]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts] == said[language]


def test_a_cancelled_job_says_so(language):
    said = {"en": "Cancelled.", "ru": "Отменено."}
    assert job_texts.not_painted(CANCELLED) == said[language]


def test_the_queue_and_the_bar(language):
    said = {
        "en": [
            "Your place in the queue: 2.\nAbout 3 min left.",
            "Your place in the queue: 1.",
            (
                "Your place in the queue: 1.\nAll my painters are away right now. I'll start as soon as"
                " one of them is back."
            ),
            (
                "Your place in the queue: 3.\nThe painter that can do this is away right now. I'll start"
                " as soon as it's back."
            ),
            "Painting… ▱▱▱▱▱▱▱▱▱▱ 0%",
            "Painting… ▰▰▰▰▱▱▱▱▱▱ 42%\nAbout 40 s left.",
        ],
        "ru": [
            "Ваше место в очереди: 2.\nОсталось примерно 3 мин.",
            "Ваше место в очереди: 1.",
            (
                "Ваше место в очереди: 1.\nВсе мои художники сейчас не на связи. Начну, как только"
                " кто-нибудь из них вернётся."
            ),
            (
                "Ваше место в очереди: 3.\nХудожник, который это умеет, сейчас не на связи. Начну, как"
                " только он вернётся."
            ),
            "Рисую… ▱▱▱▱▱▱▱▱▱▱ 0 %",
            "Рисую… ▰▰▰▰▱▱▱▱▱▱ 42 %\nОсталось примерно 40 с.",
        ],
    }
    progress = PaintProgress(share=0.42, step=42, steps=100)
    texts = [
        job_texts.waiting(Estimate(2, 180.0)),
        job_texts.waiting(Estimate(1, None)),
        job_texts.waiting(Estimate(1, None, Lack.PAINTER)),
        job_texts.waiting(Estimate(3, None, Lack.ABILITY)),
        job_texts.painting(None, None),
        job_texts.painting(progress, Estimate(0, 41.0)),
    ]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts] == said[language]
