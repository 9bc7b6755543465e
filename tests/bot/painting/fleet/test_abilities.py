"""Who can do what: painters, those that are away, and the bot's own machine."""

from __future__ import annotations

import asyncio

import pytest

from bot.painting.fleet import dispatch, roster
from bot.painting.fleet.roster import OwnMachine
from bot.painting.painters import LOCAL, Lack, LocalPainter, Needs
from tests.support.fleet.painters import HANG, Client, Machine, Office

VIDEO, ZEBRA = Needs(video=True), Needs(model="zebra")


@pytest.fixture()
def soon(monkeypatch):
    """Painters are greeted at once, and forgotten when the test says so."""
    monkeypatch.setattr(dispatch, "_GREETING", 0.0)
    return lambda: monkeypatch.setattr(roster, "MEMORY", 0.0)


async def there(office, *names):
    """Wait until these painters are there, and no others."""
    deadline = asyncio.get_running_loop().time() + HANG
    while [each.name for each in office.fleet.roster.all if each.here] != list(names):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


async def test_what_only_a_painter_that_is_away_can_do_waits_for_it(office, soon):
    assert office.fleet.lack(Needs()) is Lack.PAINTER
    office.hire("desktop", generators=("zebra",))
    office.hire("nano", videos=False)
    await there(office, "desktop", "nano")
    await office.stop("desktop")
    await there(office, "nano")
    assert office.fleet.generators() == ["zebra"]
    for needs in (VIDEO, ZEBRA):
        assert office.fleet.able(needs) == [] and office.fleet.lack(needs) is Lack.ABILITY
    waiting = asyncio.ensure_future(office.paint(needs=ZEBRA))
    assert (await office.paint())[0] == "nano" and not waiting.done()
    office.hire("desktop", generators=("zebra",))
    assert (await asyncio.wait_for(waiting, HANG))[0] == "desktop"
    assert office.fleet.able(VIDEO) == ["desktop"] and office.fleet.lack(VIDEO) is None


async def test_what_no_painter_has_any_more_goes_to_any_which_says_so(office, soon):
    office.hire("desktop", generators=("zebra",))
    office.hire("nano", videos=False)
    await there(office, "desktop", "nano")
    await office.stop("desktop")
    await there(office, "nano")
    soon()
    assert office.fleet.generators() == []
    assert office.fleet.able(VIDEO) == office.fleet.able(ZEBRA) == ["nano"]


async def test_before_the_painters_could_say_hello_nobody_is_missed(office):
    assert office.fleet.able(Needs()) == [] and office.fleet.lack(Needs()) is None


class Local(Client):
    """The child process of the bot's machine."""

    sketched = 0

    async def start(self):
        pass

    async def close(self):
        pass

    async def sketch(self, request, *, within):
        self.sketched += 1


async def test_without_the_server_the_bots_machine_paints_alone(server, tmp_path):
    office = Office(server.url, tmp_path)
    await office.open(OwnMachine(LocalPainter(Local()), Machine()))
    office.hire("nano")
    await there(office, "nano")
    server.kill()
    await there(office)
    assert (await asyncio.wait_for(office.paint(), HANG))[0] == LOCAL
    await office.close()


@pytest.mark.parametrize("able", [True, False])
async def test_the_bots_machine_gets_only_what_it_can_do(server, tmp_path, able):
    client = Local()
    office = Office(server.url, tmp_path)
    generators = ("zebra",) if able else ()
    machine = Machine(generators=generators, sketches=able, videos=able)
    own = OwnMachine(LocalPainter(client), machine)
    await own.look()
    await office.open(own)
    for needs in (VIDEO, ZEBRA):
        assert office.fleet.able(needs) == ([LOCAL] if able else [])
    # Nobody else is there: it says what is missing.
    await office.fleet.sketch(None, within=1)
    assert client.sketched == 1 and office.fleet.here
    await office.close()
