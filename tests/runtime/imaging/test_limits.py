"""The pixel limit follows the memory."""

from __future__ import annotations

import pytest

from runtime.imaging import limits
from runtime.imaging.limits import pixel_limit, strips, usable_memory

GIB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "megapixels"), [(1, 13), (3.9, 25), (4.1, 25), (7.6, 50), (64, 50)]
)
def test_a_small_machine_takes_smaller_pictures(memory, megapixels):
    assert pixel_limit(int(memory * GIB)) == megapixels * 1_000_000


@pytest.mark.parametrize(
    ("group", "file"),
    [
        ("0::/system.slice/bot.service", "fs/cgroup/system.slice/bot.service/memory.max"),
        (
            "9:cpu:/\n4:memory:/bot.service\n0::/",
            "fs/cgroup/memory/bot.service/memory.limit_in_bytes",
        ),
    ],
    ids=["unified", "one hierarchy each"],
)
def test_the_limit_of_a_service_counts(tmp_path, group, file):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(group + "\n")
    path = tmp_path / "sys" / file
    path.parent.mkdir(parents=True)
    physical = usable_memory(tmp_path)
    path.write_text(f"{GIB // 2}\n")
    assert usable_memory(tmp_path) == GIB // 2 < physical
    for unlimited in ("max\n", f"{(1 << 63) - 4096}\n"):
        path.write_text(unlimited)
        assert usable_memory(tmp_path) == physical


def test_a_system_without_control_groups_has_all_its_memory(tmp_path):
    assert usable_memory(tmp_path) > 0


def test_strips_cover_the_picture(monkeypatch):
    monkeypatch.setattr(limits, "STRIP_PIXELS", 100)
    assert list(strips(30, 7)) == [(0, 0, 30, 3), (0, 3, 30, 6), (0, 6, 30, 7)]
    assert list(strips(1000, 2)) == [(0, 0, 1000, 1), (0, 1, 1000, 2)]
