"""/stats."""

from __future__ import annotations

import pytest

from bot.outcomes import CANCELLED, FAILED, PAINTED, PictureRole, Reason, refused
from bot.painting.painters import PainterState
from runtime.spec.engine_progress import (
    PROGRESS_FILE,
    Activity,
    EngineProgress,
    write_progress,
)
from runtime.spec.turns import building
from tests.support.bot.conversation import Speaker, check_language
from tests.support.bot.steps import queue


def admin_of(conversation, language="en"):
    person = conversation.sandbox.user(777, language_code=language, name="Owner")
    return Speaker(conversation, person)


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_admins_see_the_figures(conversation, boris, language):
    jobs = await queue(boris, 2)
    await conversation.jobs.finish(jobs[0].id, CANCELLED)
    admin = admin_of(conversation, language)
    answer = await admin.says("/stats")
    check_language(answer, language)
    assert admin.words("In the queue: {n}", n=1) in answer.text
    assert admin.words("Users: {n}", n=1) in answer.text
    uptime = admin.words("{seconds} s", seconds=5)
    assert admin.words("Running for: {time}", time=uptime) in answer.text
    assert f"{admin.words('cancelled')}: 1" in answer.text


SOME = EngineProgress(built=5, planned=51, failed=0, seconds_left=5400, activity=Activity.PAINTING)


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_engines_that_are_being_built_are_counted(conversation, engines, language):
    admin = admin_of(conversation, language)
    assert "51" not in (await admin.says("/stats")).text
    write_progress(engines, SOME)
    try:
        with building(engines):
            answer = await admin.says("/stats")
        check_language(answer, language)
        about = admin.words("{hours} h {minutes} min", hours=1, minutes=30)
        text = "GPU engines: {n} of {all} built, about {time} left"
        assert admin.words(text, n=5, all=51, time=about) in answer.text
        text = "GPU engines: {n} of {all} built, the build has stopped"
        assert admin.words(text, n=5, all=51) in (await admin.says("/stats")).text
    finally:
        (engines / PROGRESS_FILE).unlink()


SAID = {
    "en": ["failed: 1", "photo – damaged: 1", "style – too few pixels: 1"],
    "ru": ["не получилось: 1", "фото – файл повреждён: 1", "стиль – слишком мало пикселей: 1"],
}


@pytest.mark.parametrize("language", SAID)
async def test_outcomes_are_told_in_words(conversation, boris, language):
    endings = (
        FAILED,
        refused(PictureRole.PHOTO, Reason.DAMAGED),
        refused(PictureRole.STYLE, Reason.TOO_SMALL),
    )
    for job, ending in zip(await queue(boris, 3), endings):
        await conversation.jobs.finish(job.id, ending)
    text = (await admin_of(conversation, language).says("/stats")).text
    assert [line.strip() for line in text.splitlines()[-3:]] == SAID[language]


async def test_for_others_there_is_no_such_command(anna):
    words = anna.words("I don't know this command. /help lists everything I can do.")
    assert (await anna.says("/stats")).text == words


async def test_the_mean_is_over_what_was_painted(conversation, boris):
    admin = admin_of(conversation)
    assert "Average time for a picture: –" in (await admin.says("/stats")).text
    await queue(boris, 1)
    job = await conversation.jobs.take((await conversation.jobs.queue())[0][0])
    await conversation.jobs.finish(job.id, PAINTED)
    assert "Average time for a picture: 0 s" in (await admin.says("/stats")).text


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_the_painters_of_a_fleet_are_listed(conversation, monkeypatch, language):
    states = [
        PainterState("nano", True, True, 1.0, 12, 1, "trt", 38.4, 54.0),
        PainterState("desktop", True, False, 1.0, 0, 0),
        PainterState("old", False, False, 400.0, 3, 0, "openvino"),
    ]
    monkeypatch.setattr(conversation.painters, "states", lambda: states)
    admin = admin_of(conversation, language)
    answer = await admin.says("/stats")
    check_language(answer, language)
    if language == "en":
        assert answer.text.splitlines()[-4:] == [
            "Painters:",
            "  nano: painting now, 12 painted, 1 failed (trt, 38 s per picture, 54 °C)",
            "  desktop: free, 0 painted, 0 failed",
            "  old: silent for 7 min, 3 painted, 0 failed (openvino)",
        ]
