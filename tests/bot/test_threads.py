from __future__ import annotations

import contextlib
import threading

import pytest

from bot.threads import held_on_thread
from runtime.files import atomic_write


@contextlib.contextmanager
def noting(threads):
    threads.append(threading.current_thread())
    try:
        yield "held"
    finally:
        threads.append(threading.current_thread())


async def test_a_slow_disk_does_not_block_the_loop():
    threads = []
    async with held_on_thread(noting(threads)) as held:
        assert held == "held"
    assert len(threads) == 2 and threading.current_thread() not in threads


async def test_what_the_block_raises_comes_out_and_leaves_no_file(tmp_path):
    with pytest.raises(LookupError, match="half"):
        async with held_on_thread(atomic_write(tmp_path / "file")) as file:
            file.write(b"half of it")
            raise LookupError("half")
    assert list(tmp_path.iterdir()) == []


async def test_a_manager_may_swallow_what_the_block_raises():
    async with held_on_thread(contextlib.suppress(LookupError)):
        raise LookupError
