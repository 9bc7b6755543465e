"""A fleet as docs/fleet.md sets it up: the bot with the server in one container, a painter in another."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest
import pytest_asyncio

from tests.support.bot.crowd import is_result
from tests.support.bot.stage import difference, picture_of
from tests.support.systemd.container import CHECKOUT, as_text
from tests.support.systemd.installed import (
    BOT,
    ENVIRONMENT,
    LONG_SECONDS,
    NATS,
    PAINTER,
    PHOTO,
    RESULT_SECONDS,
    SOON,
    STATE_SECONDS,
    drop_in,
    is_shown,
    order,
    outside,
    shown,
    signal_painter,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

FLEET = f"{CHECKOUT}/scripts/fleet"
CREDENTIALS = "/etc/jetbrush/fleet"
#: Who called sudo, with the painter's file in the home folder.
OWNER, HOME = "1000", "/home/fleet"
#: How far a painting is from its photo at the least, on average, of 255.
REPAINTED = 3.0

#: Prints the addresses on which the processes of a unit listen, as /proc/net/tcp has them.
LISTENING = """
import os, pathlib, sys
inodes, found = set(), []
for process in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        if f"/{sys.argv[1]}\\n" in (process / "cgroup").read_text():
            inodes.update(os.readlink(each) for each in (process / "fd").iterdir())
    except FileNotFoundError:
        pass
for table in ("tcp", "tcp6"):
    for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
            found.append(fields[1])
print(*found)
"""
LOOPBACK = "0100007F"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(container, second, sandbox, settings, ports):
    """Both machines, and what the scripts said: the page's steps in its order."""
    drop_in(second, PAINTER, SOON + f"WatchdogSec={LONG_SECONDS}\n")
    port = str(ports["nats"])
    server = await outside(container.output, FLEET, "init", "127.0.0.1", "--port", port)
    (container.folder / HOME[1:]).mkdir()
    await outside(container.output, "sh", "-c", f"cd {HOME} && SUDO_UID={OWNER} {FLEET} add nano")
    wanted = [line.strip() for line in server.splitlines() if line.startswith("       NATS_")]
    with_fleet = as_text({**settings, "LOCAL_PAINTER": "no"}) + "\n".join(wanted) + "\n"
    container.write(ENVIRONMENT, with_fleet, 0o640)
    await outside(container.systemctl, "restart", BOT)
    await until(lambda: sandbox.webhook.get("url"), container)
    file = "home/nano.fleet"
    second.write(file, (container.folder / HOME[1:] / "nano.fleet").read_text(), 0o600)
    install = (f"{CHECKOUT}/scripts/install", "--yes", "--no-weights", "--painter", f"/{file}")
    said = await outside(second.output, *install, timeout=RESULT_SECONDS)
    yield SimpleNamespace(bot=container, painter=second, said=said)
    container.write(ENVIRONMENT, as_text(settings), 0o640)
    await outside(container.systemctl, "disable", "--now", BOT, NATS)
    await outside(container.systemctl, "enable", BOT)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def anna(fleet, sandbox):
    """A user whose next photos are repainted."""
    anna = sandbox.user(name="Anna")
    await order(anna)
    return anna


async def answered(anna, photo):
    return await anna.wait_for(is_result, after=photo, timeout=RESULT_SECONDS)


async def test_a_photo_is_painted_by_the_installed_painter(fleet, sandbox, anna):
    assert "The painter runs" in fleet.said
    photo = await anna.photo(PHOTO.read_bytes())
    result = await answered(anna, photo)
    given, painted = picture_of(sandbox, photo), picture_of(sandbox, result)
    assert painted.size == given.size and difference(painted, given) > REPAINTED
    asked = await anna.text("/stats")
    stats = await anna.wait_for(after=asked, timeout=STATE_SECONDS)
    assert "nano: free, 1 painted, 0 failed" in stats.text
    await is_shown(fleet.bot, "StatusText", "1 of 1 painters in the fleet")
    await is_shown(fleet.painter, "StatusText", "nano: idle; painter on", PAINTER)
    said = await outside(fleet.painter.output, FLEET, "check")
    assert "accepts it" in said and "The bot answers." in said


async def test_keys_are_for_those_who_need_them(fleet):
    listed = await outside(
        fleet.bot.output, "sh", "-c", f"stat -c '%u %G %a %n' {CREDENTIALS}/* {HOME}/*"
    )
    for file in (
        f"0 root 600 {CREDENTIALS}/ca.key",
        f"0 jetbrush-nats 640 {CREDENTIALS}/server.pem",
        f"0 jetbrush 640 {CREDENTIALS}/bot.fleet",
        f"{OWNER} root 600 {HOME}/nano.fleet",
    ):
        assert file in listed
    secrets = {
        fleet.bot: (
            ("jetbrush", f"{CREDENTIALS}/ca.key"),
            ("jetbrush", f"{CREDENTIALS}/server.pem"),
            ("jetbrush-nats", f"{CREDENTIALS}/ca.key"),
            ("jetbrush-nats", f"{CREDENTIALS}/bot.fleet"),
            ("jetbrush-nats", ENVIRONMENT),
            ("nobody", f"{CREDENTIALS}/bot.fleet"),
        ),
        fleet.painter: (("nobody", "/etc/jetbrush/painter.fleet"),),
    }
    for machine, tries in secrets.items():
        for user, file in tries:
            read = ("runuser", "--user", user, "--", "cat", file)
            code, said = await outside(machine.run, *read, check=False)
            assert code != 0 and "Permission denied" in said, (user, file)
    journal = await outside(fleet.bot.journal, "jetbrush*")
    assert "PRIVATE KEY" not in journal and "42:a-token" not in journal


async def test_the_units_are_clean_and_well_closed(fleet):
    paths = [f"/etc/systemd/system/{each}" for each in (NATS, PAINTER)]
    said = await outside(fleet.bot.output, "systemd-analyze", "verify", *paths)
    assert "jetbrush" not in said, said
    exposure = ("systemd-analyze", "security", "--threshold=40", NATS, PAINTER)
    code, said = await outside(fleet.bot.run, *exposure, check=False)
    assert code == 0, said


async def test_only_the_server_listens_to_others_and_wants_a_certificate(fleet, ports):
    async def listening(machine, unit):
        said = await outside(machine.output, "python3", "-c", LISTENING, unit)
        return [each.split(":") for each in said.split()]

    assert {each[0] for each in await listening(fleet.bot, BOT)} == {LOOPBACK}
    assert await listening(fleet.painter, PAINTER) == []
    assert [int(each[1], 16) for each in await listening(fleet.bot, NATS)] == [ports["nats"]]
    reader, writer = await asyncio.open_connection("127.0.0.1", ports["nats"])
    (_, offer) = (await reader.readline()).split(b" ", 1)
    assert json.loads(offer)["tls_required"] and json.loads(offer)["tls_verify"]
    writer.write(b"CONNECT {}\r\nPING\r\n")
    assert b"PONG" not in await reader.read()
    writer.close()


async def test_a_painter_that_is_stopped_hands_its_job_back_and_starts_with_its_machine(
    fleet, anna
):
    # Its child process is frozen, so that the job does not end before.
    await signal_painter(fleet.painter, "STOP", PAINTER)
    photo = await anna.photo(PHOTO.read_bytes())
    await is_shown(fleet.painter, "StatusText", "nano: painting", PAINTER)
    await outside(fleet.painter.systemctl, "stop", "jetbrush.target", PAINTER)
    assert await shown(fleet.painter, "Result", PAINTER) == "success"
    await is_shown(fleet.bot, "StatusText", "0 of 1 painters in the fleet")
    assert "nano was stopped" in await outside(fleet.bot.journal, BOT)
    # As a boot does.
    await outside(fleet.painter.systemctl, "start", "multi-user.target")
    await answered(anna, photo)


async def test_the_watchdog_ends_a_frozen_painter(fleet):
    await outside(drop_in, fleet.painter, PAINTER, SOON + "WatchdogSec=5\n")
    await outside(fleet.painter.systemctl, "restart", PAINTER)
    stop = ("kill", "--kill-who=main", "--signal=STOP", PAINTER)
    await outside(fleet.painter.systemctl, *stop)
    # A busy machine may have waked the watchdog before.
    while await shown(fleet.painter, "NRestarts", PAINTER) == "0":
        await asyncio.sleep(0.2)
    assert "Watchdog timeout" in await outside(fleet.painter.journal, PAINTER)
    await outside(drop_in, fleet.painter, PAINTER, SOON + f"WatchdogSec={LONG_SECONDS}\n")
    await outside(fleet.painter.systemctl, "restart", PAINTER)


async def test_a_painter_whose_new_release_does_not_start_keeps_the_old_one(fleet, anna):
    module = "bot/tools/fleet_painter.py"
    text = (fleet.painter.folder / "opt/jetbrush" / module).read_text()
    broken = text.replace("    await client.start()\n", "    raise SystemExit(1)\n")
    assert broken != text
    copied = "scripts bot export runtime styles engines systemd docs"
    await outside(
        fleet.painter.output,
        "sh",
        "-c",
        f"mkdir /srv/new && cd {CHECKOUT} && cp -r {copied} $(find . -maxdepth 1 -type f) /srv/new",
    )
    fleet.painter.write(f"/srv/new/{module}", broken)
    before = (fleet.painter.folder / "opt/jetbrush").resolve()
    install = ("/srv/new/scripts/install", "--yes", "--no-weights")
    code, said = await outside(fleet.painter.run, *install, check=False, timeout=RESULT_SECONDS)
    assert code != 0 and "did not become ready in three starts" in said, said
    assert "the one before runs again" in said
    assert (fleet.painter.folder / "opt/jetbrush").resolve() == before
    await answered(anna, await anna.photo(PHOTO.read_bytes()))


async def test_a_painter_that_is_removed_is_refused_at_once(fleet):
    await outside(fleet.bot.output, FLEET, "remove", "nano")
    await is_shown(fleet.painter, "StatusText", "refuses nano", PAINTER)
