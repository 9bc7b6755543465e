"""The server as `scripts/fleet` configures it: who gets in, and who may do what."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import stat

import pytest

from bot.errors import FleetError, PainterLost
from bot.painting.fleet.credentials import read_credentials
from bot.painting.fleet.link import Link
from bot.painting.fleet.pictures import Bucket
from bot.painting.server.setup import Setup
from bot.threads import on_thread
from tests.support.fleet.nats_server import NatsServer, require_program
from tests.support.fleet.painters import HANG, Office

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")


class Site:
    """A server with TLS and two painters, nano and desktop."""

    def __init__(self, folder):
        self.folder = folder
        self.setup = Setup(folder / "fleet")
        self.server = NatsServer(folder, folder / "fleet" / "nats.conf")
        self.url = f"tls://127.0.0.1:{self.server.port}"

    async def open(self):
        store = self.folder / "jetstream"
        self.setup.init("127.0.0.1", store=store, disk=2, port=self.server.port)
        for name in ("nano", "desktop"):
            self.setup.add(name, self.file(name))
        await self.server.start()

    def file(self, name):
        return self.folder / "fleet" / f"{name}.fleet"

    async def link(self, name):
        link = Link(self.url, name, self.file(name))
        await asyncio.wait_for(link.open(), HANG)
        return link


@pytest.fixture()
async def site(tmp_path):
    require_program()
    site = Site(tmp_path)
    await site.open()
    yield site
    site.server.kill()


@pytest.fixture()
async def office(site, tmp_path):
    office = Office(site.url, tmp_path, credentials=site.file)
    await office.open()
    yield office
    await office.close()


async def test_painters_with_their_credentials_paint(office):
    office.hire("nano")
    office.hire("desktop")
    painted = await asyncio.gather(*(office.paint() for _ in range(4)))
    assert {name for name, _ in painted} <= {"nano", "desktop"}


async def test_who_is_refused_learns_so_and_nothing_else(site):
    site.setup.remove("nano")
    site.server.reload()
    link = Link(site.url, "nano", site.file("nano"))
    opening = asyncio.ensure_future(link.open())
    while link.problem is None or "refuses nano" not in link.problem:
        await asyncio.wait([opening], timeout=0.05)
    # How the server ends the next tries is no other problem.
    for end in (ConnectionResetError(104, "reset"), BrokenPipeError(32, "broken")):
        link._report(end)
    assert "refuses nano" in link.problem
    opening.cancel()
    site.server.kill()
    link._report(ConnectionRefusedError(111, "Connect call failed"))
    assert "Connect call failed" in link.problem


async def denied(link, work):
    """Whether the server refuses what `work` does over the link."""
    errors = []
    link.client._error_cb = lambda error: noted(errors, error)
    try:
        await asyncio.wait_for(work, 1)
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        errors.append(error)
    await link.client.flush()
    return any("permissions violation" in str(error).lower() for error in errors)


async def noted(errors, error):
    errors.append(error)


FOREIGN = [
    "jetbrush.from.desktop",
    "jetbrush.to.nano",
    "jetbrush.to.desktop",
    "jetbrush.everyone",
    "jetbrush.job.nano",
    "jetbrush.job.desktop",
    "$O.jetbrush-desktop.M.x",
    "$JS.API.INFO",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.LIST",
    "$JS.API.STREAM.CREATE.X",
    "$JS.API.STREAM.DELETE.JETBRUSH_JOBS",
    "$JS.API.STREAM.PURGE.JETBRUSH_JOBS",
    "$JS.API.STREAM.MSG.GET.JETBRUSH_JOBS",
    "$JS.API.STREAM.MSG.GET.OBJ_jetbrush-desktop",
    "$JS.API.STREAM.PURGE.OBJ_jetbrush-desktop",
    "$JS.API.DIRECT.GET.OBJ_jetbrush-desktop",
    "$JS.API.DIRECT.GET.OBJ_jetbrush-nano",
    "$JS.API.CONSUMER.CREATE.JETBRUSH_JOBS",
    "$JS.API.CONSUMER.CREATE.OBJ_jetbrush-nano",
    "$JS.API.CONSUMER.DURABLE.CREATE.JETBRUSH_JOBS.nano",
    "$JS.API.CONSUMER.MSG.NEXT.JETBRUSH_JOBS.desktop",
    "$JS.ACK.JETBRUSH_JOBS.desktop.1.1.1.1.0",
    "_INBOX_bot.x",
    "_INBOX_desktop.x",
]


async def test_a_painter_can_neither_act_as_others_nor_reach_their_files(site):
    nano = await site.link("nano")
    for subject in FOREIGN:
        assert await denied(nano, nano.client.publish(subject, b"{}")), subject
    await nano.close()


async def test_a_painter_cannot_read_what_is_for_others(site):
    nano = await site.link("nano")
    for subject in (
        "jetbrush.to.desktop",
        "jetbrush.from.*",
        "jetbrush.job.desktop",
        "jetbrush.job.nano",
        "jetbrush.>",
        "$O.jetbrush-desktop.>",
        "_INBOX_bot.>",
        "_INBOX_desktop.>",
        ">",
    ):
        assert await denied(nano, nano.client.subscribe(subject)), subject
    await nano.close()


async def test_a_removed_painter_is_thrown_out_and_a_new_one_comes_in(site):
    nano = await site.link("nano")
    site.setup.remove("nano")
    site.setup.add("other", site.file("other"))
    site.server.reload()
    deadline = asyncio.get_running_loop().time() + HANG
    while nano.up:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)
    await (await site.link("other")).close()
    # One that is admitted again need not be started again.
    site.setup.add("nano", site.file("new-nano"))
    site.server.reload()
    while not nano.up:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)
    await nano.close()


async def test_the_job_of_a_removed_painter_is_painted_by_another(site, office):
    nano = office.hire("nano")
    nano.hold()
    job = asyncio.ensure_future(office.paint())
    await asyncio.wait_for(nano.began.wait(), HANG)
    site.setup.remove("nano")
    site.server.reload()
    (delivery,) = office.fleet._deliveries.values()
    # Its lease ends a lease after the last sign of life, which was just now.
    delivery._lease = 1.0
    delivery.check()
    with pytest.raises(PainterLost, match="no sign of the job"):
        await asyncio.wait_for(job, HANG)
    office.hire("desktop")
    assert (await asyncio.wait_for(office.paint(), HANG))[0] == "desktop"
    nano.release()


def is_let_in(site, certificate):
    """Whether the server answers a ping of the user that `certificate` names."""
    context = ssl.create_default_context(cafile=str(site.setup._authority.certificate))
    context.load_cert_chain(str(certificate))
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=HANG) as plain:
        # The server introduces itself before TLS begins.
        plain.recv(4096)
        try:
            with context.wrap_socket(plain, server_hostname="jetbrush-nats") as secure:
                secure.sendall(b'CONNECT {"verbose": false}\r\nPING\r\n')
                answers = secure.makefile("rb")
                return any(line == b"PONG\r\n" for line in answers)
        except (ssl.SSLError, ConnectionError):
            return False


async def test_nobody_gets_in_without_a_certificate(site, tmp_path):
    plain = Link(f"nats://127.0.0.1:{site.server.port}", "bot")
    opening = asyncio.ensure_future(plain.open())
    other = Setup(tmp_path / "other")
    forged = other.init("127.0.0.1", store=tmp_path, disk=1, port=site.server.port)
    assert await on_thread(is_let_in, site, site.file("nano"))
    assert not await on_thread(is_let_in, site, forged)
    assert not opening.done()
    opening.cancel()


async def test_files_expire_and_the_store_has_limits(site):
    bot = await site.link("bot")
    bucket = Bucket(bot, "nano")
    await bucket.make()
    await bucket.make()
    config = (await bot.js.stream_info("OBJ_jetbrush-nano")).config
    assert config.max_age == 3600 and 0 < config.max_bytes <= 256 << 20
    await bot.close()


def test_secrets_are_for_their_owner_alone(tmp_path):
    setup = Setup(tmp_path / "fleet")
    setup.init("192.168.1.20", store=tmp_path / "js", disk=8, port=4222)
    setup.add("nano", tmp_path / "nano.fleet")
    assert read_credentials(tmp_path / "nano.fleet") == ("nano", "tls://192.168.1.20:4222")

    def mode(path):
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(tmp_path / "nano.fleet") == mode(tmp_path / "fleet" / "ca.key") == 0o600
    assert "PRIVATE" not in (tmp_path / "fleet" / "users.conf").read_text()
    before = (tmp_path / "fleet" / "ca.pem").read_text()
    setup.init("fleet.example", store=tmp_path / "js", disk=8, port=4222)
    assert (tmp_path / "fleet" / "ca.pem").read_text() == before and setup.painters == ["nano"]
    bot = read_credentials(tmp_path / "fleet" / "bot.fleet")
    assert bot == ("bot", "tls://fleet.example:4222")


@pytest.mark.parametrize(
    "name", ["bot", "jetbrush-nats", "", "a.b", "A", "a b", "-a", "x" * 33, "*"]
)
def test_names_that_could_be_others_are_refused(tmp_path, name):
    setup = Setup(tmp_path)
    setup.init("a", store=tmp_path / "js", disk=8, port=4222)
    with pytest.raises(FleetError, match="no painter's name"):
        setup.add(name, tmp_path / "file")


def test_what_is_wrong_is_said(tmp_path):
    setup = Setup(tmp_path)
    with pytest.raises(FleetError, match="scripts/fleet init"):
        setup.add("nano", tmp_path / "nano.fleet")
    setup.init("a", store=tmp_path / "js", disk=8, port=4222)
    setup.add("nano", tmp_path / "nano.fleet")
    with pytest.raises(FleetError, match="there already"):
        setup.add("nano", tmp_path / "nano.fleet")
    with pytest.raises(FleetError, match="there are: nano"):
        setup.remove("nono")
    with pytest.raises(FleetError, match="has no line NATS_USER="):
        read_credentials(tmp_path / "ca.pem")
