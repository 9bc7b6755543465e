"""Upgrades with a real bot, which must answer whatever happens to the installer."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import pytest_asyncio

from bot.chat.catalog import key_of
from bot.chat.keyboards.data import ChooseStyle
from bot.sandbox import Sandbox, WaitTimeout
from bot.upgrade.releases import Releases, name_of
from tests.support.bot.crowd import is_result
from tests.support.bot.running import SOON
from tests.support.bot.stage import free_port, jpeg, plain
from tests.support.systemd.fake_systemd import FakeSystemd

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        sys.version_info < (3, 9), reason="the installer takes Python 3.8 on a Jetson only"
    ),
]

ROOT = Path(__file__).resolve().parent.parent.parent
#: A bound on a hang: on an idle machine a photo is answered within seconds, whatever was killed.
ANSWER_SECONDS = 240.0

#: What the installer is about to do when it is killed: the words of a line that it prints.
MOMENTS = (
    "bot.upgrade.trial prepare",
    "cp -al .*/engines",
    "cp -R .*/runtime",
    "make .* setup",
    "make .* onnx",
    "bot.upgrade.self_test",
    "bot.upgrade.trial use",
    r"cp .*/jetbrush\.service ",
    "systemctl restart",
    "bot.upgrade.health",
)

#: Stands for make: the packages are those of the Python that runs this test.
MAKE = """#!/bin/sh
while [ "$1" != -C ]; do shift; done
cd "$2" || exit 1
case "$*" in *setup*)
    {python} -m venv --without-pip .venv
    echo {packages} >"$(echo .venv/lib/python*/site-packages)/packages.pth"
    cp {site} "$(echo .venv/lib/python*/site-packages)/sitecustomize.py" ;;
esac
"""
#: The painter inverts pictures, and nothing but the bot itself is tested.
SITE = """
import os, sys
command = open("/proc/self/cmdline").read().split("\\0")
if "bot.painting.painter" in command:
    os.environ["PYTHONPATH"] = {root!r}
    os.execv(sys.executable, [sys.executable, {painter!r}, {gate!r}])
if "bot.upgrade.self_test" in command or "compileall" in command:
    os._exit(0)
"""


class Machine:
    """A checkout that installs below a folder, with tools of its own, and the bot's systemd."""

    def __init__(self, folder, sandbox):
        self.folder, self.sandbox = folder, sandbox
        self.root, self.checkout, self.bin = (folder / each for each in ("root", "checkout", "bin"))
        self.releases = Releases(self.root / "opt/jetbrush")
        self.settings = {
            "BOT_TOKEN": sandbox.token,
            "API_URL": sandbox.url,
            "MODE": "polling",
            "PORT": str(free_port()),
            "STOP_GRACE": "1",
            "STATE_DIR": str(self.root / "var/lib/jetbrush"),
        }
        self.systemd = FakeSystemd(self.root, folder / "systemd", self.settings)
        self.bin.mkdir()
        self._make_checkout()
        self._make_tools()

    def _make_checkout(self):
        for name in ("scripts", "bot", "runtime", "systemd"):
            ignored = shutil.ignore_patterns("__pycache__", "photos")
            shutil.copytree(str(ROOT / name), str(self.checkout / name), ignore=ignored)
        (self.checkout / "styles").mkdir()
        for name in ("index.json", "night-swirls.jpg"):
            shutil.copy(str(ROOT / "styles" / name), str(self.checkout / "styles"))
        common = self.checkout / "scripts" / "common.sh"
        text = re.sub(r"^([A-Z_]+)=/", rf"\1={self.root}/", common.read_text(), flags=re.MULTILINE)
        common.write_text(text)
        for folder in ("docs", "engines", "export/weights"):
            (self.checkout / folder).mkdir(parents=True)
            (self.checkout / folder / "file").touch()
        installed = re.search(r'FILES="(.*)"', (self.checkout / "scripts/install").read_text())
        for name in installed[1].split():
            (self.checkout / name).touch()
        health = self.checkout / "bot" / "upgrade" / "health.py"
        health.write_text(health.read_text().replace("_STEADY_S = 10.0", "_STEADY_S = 0.5"))
        shutil.copy(str(ROOT / ".env.example"), str(self.checkout))

    def _make_tools(self):
        packages, site = sysconfig.get_paths()["purelib"], self.folder / "site.py"
        painter = ROOT / "tests/support/painters/gated_painter.py"
        gate = self.folder / "gate"
        site.write_text(SITE.format(root=str(ROOT), painter=str(painter), gate=str(gate)))
        self.tool("make", MAKE.format(python=sys.executable, packages=packages, site=site))
        for name in ("useradd", "usermod", "chown", "sync", "systemctl"):
            self.tool(name, "#!/bin/sh\n")
        self.systemd.write_systemctl(self.bin / "systemctl", sys.executable)
        environment = self.root / "etc/jetbrush/jetbrush.env"
        environment.parent.mkdir(parents=True)
        environment.write_text("".join(f"{n}={v}\n" for n, v in self.settings.items()))

    def tool(self, name, text):
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    async def run(self, script, *, kill_at=None):
        """Run a script of the checkout; killed when it prints that. Returns its code and words."""
        environment = {
            **{name: value for name, value in os.environ.items() if name != "BOT_TOKEN"},
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHON": sys.executable,
        }
        process = await asyncio.create_subprocess_exec(
            str(self.checkout / "scripts" / script),
            *(["--yes", "--no-weights"] if script == "install" else []),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        said = ""
        while True:
            line = (await process.stdout.readline()).decode()
            said += line
            if not line:
                break
            if kill_at and re.search(rf"^   \+ .*{kill_at}", line):
                os.killpg(process.pid, signal.SIGKILL)
        return await process.wait(), said

    async def upgrade(self, **options):
        return await self.run("install", **options)

    async def user(self):
        """A user whose photos are repainted."""
        user = self.sandbox.user(name="Anna")
        start = await user.text("/start")
        await user.wait_for(timeout=ANSWER_SECONDS)
        await user.press_data(start, ChooseStyle(style=key_of("night-swirls"), picture=None).pack())
        await user.wait_for(lambda message: "Now send" in message.text, timeout=ANSWER_SECONDS)
        return user

    async def answers(self, user):
        """A photo of the user comes back repainted."""
        photo = await user.photo(jpeg(plain("teal", (60, 40))))
        try:
            await user.wait_for(
                is_result,
                timeout=ANSWER_SECONDS,
                after=photo,
            )
        except WaitTimeout:
            pytest.fail((self.folder / "systemd" / "journal").read_text()[-3000:])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def machine(tmp_path_factory):
    async with Sandbox(redelivery=SOON) as sandbox:
        machine = Machine(tmp_path_factory.mktemp("machine"), sandbox)
        async with machine.systemd:
            code, said = await machine.upgrade()
            assert code == 0, said
            yield machine


async def test_whenever_an_upgrade_is_killed_a_bot_answers_photos(machine):
    anna = await machine.user()
    await machine.answers(anna)
    for moment in MOMENTS:
        code, said = await machine.upgrade(kill_at=moment)
        assert code == -signal.SIGKILL, (moment, said)
        await machine.answers(anna)
    code, said = await machine.upgrade()
    assert code == 0 and "The bot runs" in said, said
    await machine.answers(anna)


async def test_a_release_that_does_not_start_gives_way_to_the_one_before(machine):
    anna, good = await machine.user(), machine.releases.current
    broken = machine.checkout / "bot" / "__main__.py"
    text = broken.read_text()
    broken.write_text("raise SystemExit(3)\n")
    code, said = await machine.upgrade()
    assert code == 1 and "the one before runs again" in said, said
    assert machine.releases.current == good
    await machine.answers(anna)
    # Without the installer, and without a hand.
    code, said = await machine.upgrade(kill_at="bot.upgrade.health")
    assert code == -signal.SIGKILL
    await machine.answers(anna)
    assert machine.releases.current == good
    broken.write_text(text)


async def test_rollback_leads_back_and_forth(machine):
    first = name_of(machine.releases.current)
    (machine.checkout / "bot" / "new.py").touch()
    assert (await machine.upgrade())[0] == 0
    assert (machine.releases.link / "bot" / "new.py").exists()
    code, said = await machine.run("rollback")
    assert code == 0 and f"to     {first}" in said, said
    assert not (machine.releases.link / "bot" / "new.py").exists()
    await machine.answers(await machine.user())
    assert (await machine.run("rollback"))[0] == 0
    assert (machine.releases.link / "bot" / "new.py").exists()
