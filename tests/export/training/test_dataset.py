"""The folder of pictures to train with: what is found in it, what is skipped, and the split."""

from __future__ import annotations

import shutil
import sys
import types

import numpy as np
import pytest

from export.errors import DatasetError
from export.training.dataset import download, find_class_folders, scan, split
from export.training.report import describe_skipped
from tests.support.export.drawn_classes import draw_classes

NAMES = ("disc", "grid", "star")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    return draw_classes(tmp_path_factory.mktemp("drawn"), 10, names=NAMES)


@pytest.fixture
def folder(drawn, tmp_path):
    return shutil.copytree(str(drawn), str(tmp_path / "data")) and tmp_path / "data"


def scanned(folder):
    return scan(folder, lambda done, total: None)


def test_every_folder_is_a_class_the_backgrounds_too(folder):
    (folder / "disc").rename(folder / "BACKGROUND_Google")
    (folder / ".cache").mkdir()
    (folder / "grid" / ".DS_Store").write_bytes(b"\0")
    steps = []
    collection = scan(folder, lambda done, total: steps.append((done, total)))
    assert collection.classes == ("BACKGROUND_Google", "grid", "star")
    assert len(collection.pictures) == 30 and not collection.unreadable
    assert steps[-1] == (30, 30)


@pytest.mark.parametrize(
    "layout", ["", "101_ObjectCategories", "caltech101/101_ObjectCategories"], ids=str
)
def test_the_archives_layouts_are_found(folder, tmp_path, layout):
    root = tmp_path / "unpacked"
    root.mkdir()
    (root / layout).parent.mkdir(parents=True, exist_ok=True)
    if layout:
        folder.rename(root / layout)
    else:
        root.rmdir()
        folder.rename(root)
    assert find_class_folders(root) == root / layout


def test_pictures_that_cannot_be_read_are_counted_named_and_skipped(folder):
    cut = folder / "disc" / "image_0003.jpg"
    cut.write_bytes(cut.read_bytes()[:700])
    (folder / "star" / "notes.txt").write_text("no picture")
    collection = scanned(folder)
    assert len(collection.pictures) == 29
    assert set(collection.unreadable) == {"disc/image_0003.jpg", "star/notes.txt"}
    lines = describe_skipped(collection)
    assert lines[0] == "2 files that cannot be read are skipped:"
    assert "disc/image_0003.jpg: " in lines[1] and "damaged" in lines[1]


def test_empty_class_folders_are_named_and_skipped(folder):
    (folder / "aardvark").mkdir()
    collection = scanned(folder)
    assert collection.classes == NAMES and collection.empty == ("aardvark",)
    assert describe_skipped(collection) == ["1 class folders without pictures: aardvark"]


def test_too_few_pictures_for_the_split_name_the_classes(folder):
    for path in sorted((folder / "grid").iterdir())[1:]:
        path.unlink()
    with pytest.raises(DatasetError, match=r"grid \(1\); expected 2"):
        split(scanned(folder), 0.2, seed=0)


def test_one_class_is_not_enough(folder):
    for name in NAMES[1:]:
        shutil.rmtree(str(folder / name))
    with pytest.raises(DatasetError, match="1 classes"):
        scanned(folder)


def test_a_folder_without_classes_says_where_to_get_them(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DatasetError, match=r"data\.caltech\.edu.*--data"):
            find_class_folders(folder)


def test_the_split_takes_its_share_of_every_class(folder):
    collection = scanned(folder)
    training, validation = split(collection, 0.3, seed=1)
    assert np.bincount([each.label for each in validation]).tolist() == [3, 3, 3]
    assert set(training) | set(validation) == set(collection.pictures)
    assert not set(training) & set(validation)
    assert split(scanned(folder), 0.3, seed=1) == (training, validation)
    assert split(collection, 0.3, seed=2) != (training, validation)
    # However small or large the share, both parts have every class.
    for share in (0.01, 0.9):
        for part in split(collection, share, seed=1):
            assert {each.label for each in part} == {0, 1, 2}


def test_torchvision_downloads_the_data_set(tmp_path, monkeypatch):
    calls = []
    fake = types.ModuleType("torchvision.datasets")
    fake.Caltech101 = lambda root, download: calls.append((root, download))
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", fake)
    download(tmp_path / "data")
    assert calls == [(str(tmp_path / "data"), True)]


def test_a_failed_download_explains_how_to_do_it_by_hand(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    with pytest.raises(DatasetError, match=r"By hand: get it from https://data\.caltech\.edu"):
        download(tmp_path)
