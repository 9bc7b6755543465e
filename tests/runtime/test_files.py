"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.files import atomic_write, remove_partial

ROOT = Path(__file__).resolve().parent.parent.parent
OLD, NEW = b"the old content", b"the new content"


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(OLD)
    return path


def names(path):
    return [each.name for each in path.parent.iterdir()]


def test_content_appears_when_the_block_ends(target):
    with atomic_write(target) as file:
        file.write(NEW)
        file.flush()
        assert target.read_bytes() == OLD
    assert target.read_bytes() == NEW and names(target) == ["file.bin"]


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("error", [OSError, ValueError, KeyboardInterrupt, SystemExit])
def test_failure_in_the_middle_leaves_all_as_it_was(target, error, durable):
    with pytest.raises(error), atomic_write(target, durable=durable) as file:
        file.write(NEW[:5])
        file.flush()
        raise error
    assert target.read_bytes() == OLD and names(target) == ["file.bin"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_failure_of_the_last_steps_leaves_all_as_it_was(target, monkeypatch, call):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    home = os if call == "fsync" else Path
    monkeypatch.setattr(home, call, fail)
    with pytest.raises(OSError, match="No space"), atomic_write(target, durable=True) as file:
        file.write(NEW)
    assert target.read_bytes() == OLD and names(target) == ["file.bin"]


def test_nothing_is_left_where_there_was_no_file(tmp_path):
    with pytest.raises(ValueError), atomic_write(tmp_path / "new"):
        raise ValueError
    assert not list(tmp_path.iterdir())


def test_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "absent" / "file"):
        pytest.fail("there is nothing to write to")


@pytest.mark.parametrize("durable", [False, True])
def test_durable_file_and_its_folder_are_synced(target, monkeypatch, durable):
    events = []
    sync, replace = os.fsync, Path.replace

    def spy_sync(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        events.append((f"sync {kind}", os.fstat(descriptor).st_size if kind == "file" else None))
        sync(descriptor)

    def spy_replace(path, other):
        events.append(("replace", None))
        return replace(path, other)

    monkeypatch.setattr(os, "fsync", spy_sync)
    monkeypatch.setattr(Path, "replace", spy_replace)
    with atomic_write(target, durable=durable) as file:
        file.write(NEW)
    whole = [("sync file", len(NEW)), ("replace", None), ("sync folder", None)]
    assert events == (whole if durable else [("replace", None)])


def test_two_writers_at_once_do_not_meet(target):
    with atomic_write(target) as first, atomic_write(target) as second:
        first.write(b"first" * 1000)
        second.write(b"second")
        first.flush()
    assert target.read_bytes() == b"first" * 1000, "the last one to finish wins"
    assert names(target) == ["file.bin"]


@pytest.mark.parametrize("mode, expected", [(None, 0o640), (0o600, 0o600), (0o644, 0o644)])
def test_mode_holds_whatever_the_umask_is(target, mode, expected):
    before = os.umask(0o027)
    try:
        with atomic_write(target, mode=mode) as file:
            file.write(NEW)
            (partial,) = (each for each in target.parent.iterdir() if each != target)
            assert stat.S_IMODE(partial.stat().st_mode) == expected
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == expected


def test_remains_of_a_killed_writer_can_be_removed(target):
    program = (
        "import os, sys; from pathlib import Path; from runtime.files import atomic_write\n"
        "with atomic_write(Path(sys.argv[1])) as file:\n"
        "    file.write(b'x'); file.flush(); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(target)], cwd=str(ROOT), check=False)
    assert done.returncode == -signal.SIGKILL
    assert target.read_bytes() == OLD and len(names(target)) == 2
    (target.parent / ".file.bin2.0.part").write_bytes(b"another's")
    remove_partial(target)
    assert sorted(names(target)) == [".file.bin2.0.part", "file.bin"]


def test_needs_nothing_but_python():
    code = "import sys; sys.path.insert(0, '.'); import runtime.files"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=str(ROOT), check=False)
    assert done.returncode == 0
