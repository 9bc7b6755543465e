from __future__ import annotations

import dataclasses

from runtime.spec.engine_progress import (
    PROGRESS_FILE,
    Activity,
    EngineProgress,
    read_progress,
    write_progress,
)
from runtime.spec.turns import building

SOME = EngineProgress(built=2, planned=51, failed=1, seconds_left=7200, activity=Activity.PAINTING)


def test_what_is_written_is_read_until_all_are_built(tmp_path):
    assert read_progress(tmp_path) is None
    write_progress(tmp_path, SOME)
    with building(tmp_path):
        assert read_progress(tmp_path) == SOME
    # A builder that was killed could not say so.
    assert read_progress(tmp_path).activity is Activity.STOPPED
    write_progress(tmp_path, dataclasses.replace(SOME, built=51, failed=0, seconds_left=0))
    assert not (tmp_path / PROGRESS_FILE).exists()


def test_a_file_of_another_version_counts_as_none(tmp_path):
    for text in ("", "[]", "{}", '{"activity": "building", "built": 1}'):
        (tmp_path / PROGRESS_FILE).write_text(text)
        assert read_progress(tmp_path) is None


def test_progress_in_words():
    assert SOME.in_words == (
        "2 of 51 engines built, 1 not, about 2.0 h left; paused while a photo is painted"
    )
