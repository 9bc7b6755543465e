"""`python -m tests.bench.fleet`: how busy a fleet of painters is, how it grows, what a job costs.

The painters sleep instead of painting, so that one machine stands for nine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from bot.painting.client import PainterClient
from bot.painting.painters import LocalPainter, Needs
from bot.sandbox import Sandbox
from tests.bench import machine
from tests.support.bot.bot_process import BotProcess
from tests.support.bot.crowd import choose_a_style, is_result
from tests.support.bot.stage import free_port, jpeg, plain
from tests.support.fleet.nats_server import NatsServer
from tests.support.fleet.painters import Office
from tests.support.fleet.workshop import Workshop, painters_in_a_process

ROOT = Path(__file__).resolve().parent.parent.parent
USERS = 20
#: Seconds of a picture by painter: the slowest takes four times as long as the fastest.
SPEEDS = (1.0, 1.0, 1.5, 2.0, 2.0, 3.0, 3.0, 4.0)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fleet", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--scale", type=float, default=1.0, help="of the seconds of a picture")
    parser.add_argument("--photos", type=int, default=1000, help="sent to a whole bot")
    parser.add_argument("--repeats", type=int, default=30, help="of the cost of one job")
    args = parser.parse_args()
    print(json.dumps(machine.describe()))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), args))


async def measure(folder, args):
    server = NatsServer(folder)
    await server.start()
    try:
        await overhead(server.url, folder, args.repeats)
        await growth(server.url, folder)
        await many_jobs(server.url, folder, args.jobs, args.scale)
        await whole_bot(server.url, folder, args.photos, args.scale)
    finally:
        server.kill()


async def many_jobs(url, folder, count, scale):
    """A long queue through eight painters of different speeds."""
    speeds = [scale * each for each in SPEEDS]
    workshop, painters = await opened(url, folder / "many", speeds)
    orders = [await workshop.order(number % USERS + 1) for number in range(count)]
    taken = await workshop.paint_all(count)
    # While jobs wait: at the end the slow ones still paint, and nobody else has anything to do.
    first, last = workshop.begun[0][2], workshop.begun[-1][2]
    worked = sum(
        min(speeds[int(painter.rsplit("-", 1)[1]) - 1], last - begun)
        for _, painter, begun in workshop.begun
    )
    busy = worked / (last - first) / len(speeds)
    rounds = Counter()
    ahead = 0
    for job, *_ in workshop.begun:
        rounds[job.order.user_id] += 1
        ahead = max(ahead, rounds[job.order.user_id] - min(rounds[u] for u in range(1, USERS + 1)))
    print(
        f"{len(orders)} jobs, {len(speeds)} painters: {taken:.1f} s,"
        f" {busy:.1%} of the painters' time at work while jobs wait,"
        f" a user at most {ahead} jobs ahead of another"
    )
    painters.terminate()
    await workshop.close()


async def whole_bot(url, folder, photos, scale):
    """The same for a bot in a process of its own, with a chat for each user."""
    speeds = [scale * each for each in SPEEDS]
    async with Sandbox() as sandbox:
        # A queue as long as the work, so that no photo is refused.
        waiting = {"JOBS_PER_USER": "1000", "JOBS_IN_ALL": str(photos)}
        bot = BotProcess(
            sandbox,
            folder,
            free_port(),
            NATS_URL=url,
            LOCAL_PAINTER="no",
            LOG_LEVEL="WARNING",
            **waiting,
        )
        painters = painters_in_a_process(url, speeds)
        await bot.start()
        try:
            users = [sandbox.user(name=f"user {number}") for number in range(USERS)]
            await asyncio.gather(*(choose_a_style(user) for user in users))
            data, before = jpeg(plain("green", (320, 240))), bot.memory
            begin = time.monotonic()
            for number in range(photos):
                await users[number % USERS].photo(data)
            sent = time.monotonic() - begin
            full = bot.memory
            await asyncio.gather(*(all_answered(user, photos // USERS) for user in users))
            taken, end = time.monotonic() - begin, bot.memory
        finally:
            painters.terminate()
            await bot.kill()
        print(
            f"{photos} photos to a whole bot, all sent after {sent:.1f} s: {taken:.1f} s,"
            f" loop blocked {1000 * bot.longest_lag:.0f} ms at most,"
            f" memory {before >> 20}, {full >> 20} and at the end {end >> 20} MiB"
        )


async def all_answered(user, count):
    """Wait until the user has so many paintings."""
    while sum(map(is_result, user.messages)) < count:
        await asyncio.sleep(0.5)


async def growth(url, folder):
    """Pictures an hour with one to eight equal painters."""
    alone = None
    for count in (1, 2, 4, 8):
        workshop, painters = await opened(url, folder / f"grow-{count}", (2.0,) * count)
        jobs = 10 * count
        for number in range(jobs):
            await workshop.order(number % USERS + 1)
        rate = jobs / await workshop.paint_all(jobs)
        alone = alone or rate
        print(
            f"{count} painters of 2 s: {3600 * rate:.0f} pictures an hour, {rate / alone:.2f} times one"
        )
        painters.terminate()
        painters.join()
        await workshop.close()


async def overhead(url, folder, repeats):
    """Seconds of one job by a child process, here and through the fleet."""
    command = (
        sys.executable,
        str(ROOT / "tests/support/painters/gated_painter.py"),
        str(folder / "gate"),
    )
    office = Office(url, folder, lease=30.0)
    await office.open()
    client = PainterClient(command)
    office.hire("one", client)
    local = LocalPainter(PainterClient(command))
    await client.start()
    await local.start()
    for size in ((320, 240), (1280, 960), (4000, 3000)):
        seconds = {}
        for name, painters in (("local", local), ("fleet", office.fleet)):
            taken = []
            for _ in range(repeats if size[0] < 4000 else 5):
                request = office.request(size)
                place = await office.reserve() if name == "fleet" else painters.reserve(Needs())
                begin = time.monotonic()
                await place.submit(request, on_progress=lambda _: None)
                taken.append(time.monotonic() - begin)
                place.leave()
            seconds[name] = median(taken)
        print(
            f"{size[0]}x{size[1]}: local {1000 * seconds['local']:.0f} ms, fleet"
            f" {1000 * seconds['fleet']:.0f} ms: {1000 * (seconds['fleet'] - seconds['local']):.0f} ms more"
        )
    await local.close()
    await office.close()
    await client.close()


async def opened(url, folder, speeds):
    folder.mkdir()
    workshop = Workshop(url, folder)
    await workshop.open()
    painters = painters_in_a_process(url, speeds)
    await workshop.painters(len(speeds))
    return workshop, painters


if __name__ == "__main__":
    main()
