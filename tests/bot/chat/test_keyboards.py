"""What buttons carry, and which there are."""

from __future__ import annotations

from dataclasses import fields

import pytest

from bot.chat.catalog import key_of
from bot.chat.keyboards.data import (
    NEXT_PHOTOS,
    Action,
    ChooseStyle,
    OfJob,
    OpenGallery,
    OwnStyle,
    Purpose,
    Repaint,
    UseGenerator,
)
from bot.chat.keyboards.menus import (
    album_keyboard,
    choice_keyboard,
    gallery_keyboard,
    menu_keyboard,
    mix_keyboard,
    settings_keyboard,
)
from bot.chat.keyboards.of_jobs import result_keyboard, status_keyboard
from bot.chat.languages import make_i18n
from bot.chat.user_options import SIZES, STRENGTHS, settings_for
from bot.storage.jobs import Job
from bot.storage.orders import Order
from bot.storage.styles import StyleChoice, alone, mixed
from runtime import Model, Style, StylizeOptions, TranslateOptions

MOST_BYTES = 64
MOST_ID = 2**63 - 1


@pytest.fixture(autouse=True)
def language():
    i18n = make_i18n()
    with i18n.context(), i18n.use_locale("en"):
        yield


STYLES = alone(StyleChoice(name="a"))


def job(*, model=None, of_album=False, styles=STYLES, **options):
    options = StylizeOptions(**options) if model is None else TranslateOptions()
    order = Order(
        idempotency_key="update:1",
        user_id=1,
        chat_id=1,
        reply_to=1,
        language="en",
        picture=1,
        options=options,
        styles=styles if model is None else (),
        model=model,
        of_album=of_album,
    )
    others = {field.name: None for field in fields(Job)}
    return Job(**{**others, "id": MOST_ID, "order": order})


def labels(keyboard):
    return [[button.text for button in row] for row in keyboard.inline_keyboard]


def test_the_largest_data_fit(tmp_path):
    models = [Model("ж" * 200, "A"), Model("b", "B"), Model("c", "C")]
    styles = [Style(f"{n}-{'ж' * 200}", tmp_path, {"en": "S"}) for n in range(10)]
    keyboards = [
        status_keyboard(job(of_album=True)),
        result_keyboard(job(of_album=True)),
        menu_keyboard(models, examples=True),
        *(
            gallery_keyboard(styles, purpose, start=990, following=999, mixed_with="S")
            for purpose in (Purpose(picture=MOST_ID, mix=True), Purpose(mix=True, job=MOST_ID))
        ),
        choice_keyboard(MOST_ID, "S", models),
        album_keyboard([MOST_ID, 1], "S", models),
        mix_keyboard(),
        settings_keyboard(settings_for(16384), StylizeOptions()),
    ]
    for keyboard in keyboards:
        for row in keyboard.inline_keyboard:
            assert row
            for button in row:
                assert len(button.callback_data.encode()) <= MOST_BYTES


@pytest.mark.parametrize(
    ("count", "rows"), [(1, [1]), (5, [5]), (6, [3, 3]), (7, [4, 3]), (10, [5, 5])]
)
def test_numbers_stand_in_even_rows(tmp_path, count, rows):
    styles = [Style(str(n), tmp_path, {"en": "S"}) for n in range(count)]
    keyboard = gallery_keyboard(styles, NEXT_PHOTOS, start=0, following=None)
    assert list(map(len, labels(keyboard))) == [*rows, 1]


@pytest.mark.parametrize(
    "data",
    [
        OpenGallery(start=10, picture=None),
        ChooseStyle(style=key_of("a:b"), picture=7),
        OwnStyle(album=7, mix=True),
        ChooseStyle(style=key_of("a:b"), mix=True, job=MOST_ID),
        UseGenerator(model=key_of("ж"), picture=None),
        OfJob(action=Action.STRONGER, job=MOST_ID),
    ],
)
def test_data_come_back_as_they_were(data):
    assert type(data).unpack(data.pack()) == data


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("gallery:10:", OpenGallery(start=10)),
        ("style:abc:7", ChooseStyle(style="abc", picture=7)),
        ("own:7", OwnStyle(picture=7)),
        ("model:abc:", UseGenerator(model="abc")),
        ("repaint:7", Repaint(picture=7)),
    ],
)
def test_buttons_of_earlier_releases_still_work(text, data):
    assert type(data).unpack(text) == data


@pytest.mark.parametrize("text", ["job:swap:0", f"job:swap:{MOST_ID + 1}", "job:swap:", "job:1"])
def test_numbers_that_no_row_has_are_refused(text):
    with pytest.raises((ValueError, TypeError)):
        OfJob.unpack(text)


def test_under_a_status():
    assert labels(status_keyboard(job())) == [["Cancel"]]
    assert labels(status_keyboard(job(of_album=True))) == [["Cancel"], ["Swap photo and style"]]


@pytest.mark.parametrize(
    ("strength", "offered"),
    [
        (STRENGTHS[0], ["Stronger"]),
        (0.3, ["Weaker", "Stronger"]),
        (STRENGTHS[-1], ["Weaker"]),
    ],
)
def test_strength_ends_somewhere(strength, offered):
    assert labels(result_keyboard(job(strength=strength)))[2] == offered


@pytest.mark.parametrize(
    ("brush", "offered"),
    [("fine", ["Broader"]), ("medium", ["Finer", "Broader"]), ("broad", ["Finer"])],
)
def test_brushes_end_somewhere(brush, offered):
    assert labels(result_keyboard(job(brush=brush)))[3] == offered


@pytest.mark.parametrize(
    ("share", "offered"),
    [(0.5, ["70/30", "30/70"]), (0.7, ["50/50", "30/70"]), (0.3, ["70/30", "50/50"])],
)
def test_under_a_mix_are_the_other_ratios(share, offered):
    styles = mixed(StyleChoice(name="a"), StyleChoice(picture=7), share)
    assert labels(result_keyboard(job(styles=styles)))[1] == offered


def test_under_what_a_generator_made():
    assert labels(result_keyboard(job(model="m"))) == [["Original file (PNG)"]]


def test_a_setting_of_the_owners_own_is_not_ticked():
    keyboard = settings_keyboard(settings_for(2048), StylizeOptions(fine=300))
    assert labels(keyboard)[1] == [f"{size} px" for size in (*SIZES, 2048)]


@pytest.mark.parametrize(
    ("limit", "sizes"), [(1280, [640, 1024, 1280]), (768, [640, 768]), (512, [512])]
)
def test_no_size_above_the_owners_limit_is_offered(limit, sizes):
    keyboard = settings_keyboard(settings_for(limit), StylizeOptions(fine=limit))
    assert [label.replace("✓ ", "") for label in labels(keyboard)[1]] == [f"{n} px" for n in sizes]
