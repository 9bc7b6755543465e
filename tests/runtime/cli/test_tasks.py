"""Which photos are painted, and where the paintings go."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.cli.tasks import tasks_for
from runtime.errors import PictureError


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()


def outputs(photos, output):
    return [task.output.relative_to(output).as_posix() for task in tasks_for(photos, output)]


def test_a_single_photo_goes_to_the_file_or_into_the_folder(tmp_path):
    photo = Path("photo.jpg")
    (task,) = tasks_for([photo], tmp_path / "out.png")
    assert (task.photo, task.output) == (photo, tmp_path / "out.png")
    assert outputs([photo], tmp_path) == ["photo.jpg"]


def test_several_photos_keep_their_names_in_a_folder_that_is_made(tmp_path):
    photos = [Path("a.jpg"), Path("b.webp"), Path("c.HEIC"), Path("d.GIF"), Path("e")]
    output = tmp_path / "new" / "folder"
    assert outputs(photos, output) == ["a.jpg", "b.webp", "c.png", "d.png", "e.png"]
    assert output.is_dir()


def test_a_folder_stands_for_its_pictures(tmp_path):
    make(tmp_path, "in/b.png", "in/a.JPG", "in/.hidden.jpg", "in/notes.txt")
    make(tmp_path / "in", "deeper.jpg/c.jpg")
    photos = [task.photo.name for task in tasks_for([tmp_path / "in"], tmp_path / "out")]
    assert photos == ["a.JPG", "b.png"]


def test_no_painting_replaces_another(tmp_path):
    photos = [
        Path(each) for each in ("a/p.jpg", "b/p.jpg", "c/P.jpg", "d/p-2.jpg", "p.png", "p.gif")
    ]
    expected = ["p.jpg", "p-2.jpg", "P-3.jpg", "p-2-2.jpg", "p.png", "p-2.png"]
    assert outputs(photos, tmp_path) == expected


def test_no_painting_replaces_a_photo(tmp_path):
    make(tmp_path, "a.jpg", "b.jpg")
    assert outputs([tmp_path], tmp_path) == ["a-2.jpg", "b-2.jpg"]


def test_no_painting_replaces_a_photo_by_a_link(tmp_path):
    make(tmp_path, "in/a.jpg", "out/b.jpg")
    (tmp_path / "out" / "a.jpg").symlink_to(tmp_path / "in" / "a.jpg")
    assert outputs([tmp_path / "in"], tmp_path / "out") == ["a-2.jpg"]


def test_a_photo_that_is_named_twice_is_painted_once(tmp_path):
    make(tmp_path, "in/a.jpg", "in/b.jpg")
    photos = [tmp_path / "in" / "b.jpg", tmp_path / "in"]
    assert outputs(photos, tmp_path / "out") == ["b.jpg", "a.jpg"]


def test_what_is_wrong_is_told_in_a_sentence(tmp_path):
    make(tmp_path, "empty/notes.txt", "file")
    photos = [Path("a.jpg"), Path("b.jpg")]
    for given, output, message in (
        ([tmp_path / "empty"], "out", "holds no pictures"),
        (photos, "out.jpg", "several photos need a folder"),
        (photos, "file", "cannot be made: File exists"),
    ):
        with pytest.raises(PictureError, match=message):
            tasks_for(given, tmp_path / output)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["empty", "file"]
