"""The installed service under a real systemd, against the sandbox on this machine."""

from __future__ import annotations

import json

import pytest
import pytest_asyncio

from tests.support.bot.crowd import is_result
from tests.support.bot.stage import difference, picture_of
from tests.support.systemd.container import CHECKOUT, as_text
from tests.support.systemd.installed import (
    BOT,
    ENGINES,
    ENVIRONMENT,
    LONG_SECONDS,
    NGROK,
    PATIENT,
    PHOTO,
    RESULT_SECONDS,
    ROOT,
    WATCHDOG_SECONDS,
    drop_in,
    is_shown,
    outside,
    shown,
    signal_painter,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: How far a painting is from its photo at the least, on average, of 255.
REPAINTED = 3.0


async def job_that_runs(anna, container):
    """A photo whose painting has begun, and does not end: the painter's process is frozen."""
    # READY does not wait for it.
    await is_shown(container, "StatusText", "painter on")
    await signal_painter(container, "STOP")
    photo = await anna.photo(PHOTO.read_bytes())
    await is_shown(container, "StatusText", "painting, 0 waiting")
    return photo


async def test_start_is_over_when_the_bot_is_ready(service):
    assert await shown(service, "ActiveState") == "active"
    main = await shown(service, "MainPID")
    assert int(main) > 1
    await is_shown(service, "StatusText", "idle, 0 waiting; painter on")
    await is_shown(service, "StatusText", "web hook at http://127.0.0.1")
    status = await outside(service.systemctl, "status", BOT)
    assert "active (running)" in status and "web hook at" in status


async def test_photo_comes_back_repainted(service, sandbox, anna):
    photo = await anna.photo(PHOTO.read_bytes())
    result = await anna.wait_for(is_result, after=photo, timeout=RESULT_SECONDS)
    given, painted = picture_of(sandbox, photo), picture_of(sandbox, result)
    assert painted.size == given.size and difference(painted, given) > REPAINTED
    process = f"/proc/{await shown(service, 'MainPID')}"
    assert await outside(service.output, "stat", "-c", "%U", process) == "jetbrush\n"


async def test_killed_bot_is_started_again_and_answers(service, anna):
    photo = await job_that_runs(anna, service)
    before = await shown(service, "MainPID")
    await outside(service.systemctl, "kill", "--kill-who=main", "--signal=KILL", BOT)
    await anna.wait_for(is_result, after=photo, timeout=RESULT_SECONDS)
    assert await shown(service, "MainPID") not in (before, "0")


async def test_watchdog_ends_a_blocked_event_loop(service, sandbox, anna):
    await outside(drop_in, service, BOT, PATIENT.format(WATCHDOG_SECONDS))
    try:
        await outside(service.systemctl, "restart", BOT)
        before = await shown(service, "MainPID")
        await outside(service.systemctl, "kill", "--kill-who=main", "--signal=USR2", BOT)
        await is_shown(service, "NRestarts", "1")
    finally:
        await outside(drop_in, service, BOT, PATIENT.format(LONG_SECONDS))
        await outside(service.systemctl, "restart", BOT)
    photo = await anna.photo(PHOTO.read_bytes())
    await anna.wait_for(is_result, after=photo, timeout=RESULT_SECONDS)
    assert await shown(service, "MainPID") not in (before, "0")
    journal = await outside(service.journal, BOT)
    assert "Watchdog timeout" in journal
    # faulthandler shows where it hung.
    assert "sitecustomize.py" in journal


async def test_stop_hands_the_running_job_to_the_next_start(service, anna):
    photo = await job_that_runs(anna, service)
    # The painter is frozen: without the short grace, systemd would have to kill it, which is no
    # success.
    await outside(service.systemctl, "stop", "jetbrush.target", "jetbrush.service")
    assert await shown(service, "ActiveState") == "inactive"
    assert await shown(service, "Result") == "success"
    answered = [message for message in anna.messages if is_result(message)]
    assert not answered, "the job ended before the stop: make it longer"
    await outside(service.systemctl, "start", "jetbrush.target")
    await anna.wait_for(is_result, after=photo, timeout=RESULT_SECONDS)


async def test_stop_lets_the_running_job_end_within_its_grace(service, anna, settings):
    service.write(ENVIRONMENT, as_text({**settings, "STOP_GRACE": 1200}), 0o640)
    try:
        await outside(service.systemctl, "restart", BOT)
        photo = await job_that_runs(anna, service)
        await outside(service.systemctl, "stop", "--no-block", BOT)
        await is_shown(service, "SubState", "stop-sigterm")
        await signal_painter(service, "CONT")
        await is_shown(service, "SubState", "dead")
        assert await shown(service, "Result") == "success"
        # No next start was needed.
        await anna.wait_for(is_result, after=photo, timeout=RESULT_SECONDS)
    finally:
        service.write(ENVIRONMENT, as_text(settings), 0o640)


async def test_boot_starts_it(service):
    await outside(service.systemctl, "stop", "jetbrush.target", BOT)
    assert await shown(service, "SubState") == "dead"
    # As a boot does: the target is there already, but what it wants and lacks is started.
    await outside(service.systemctl, "start", "multi-user.target")
    await is_shown(service, "SubState", "running")


async def test_wrong_setting_is_named_in_the_journal(service, settings):
    service.write(ENVIRONMENT, as_text({**settings, "PORT": "many"}), 0o640)
    try:
        await outside(service.run, "systemctl", "restart", BOT, check=False)
        assert "PORT is 'many'" in await outside(service.journal, BOT)
    finally:
        service.write(ENVIRONMENT, as_text(settings), 0o640)
    # It needs no hand to come back.
    await is_shown(service, "SubState", "running")


async def test_state_and_secrets_are_for_those_who_need_them(service):
    listed = await outside(
        service.output, "stat", "-c", "%U %a %n", "/var/lib/jetbrush", "/etc/jetbrush/jetbrush.env"
    )
    assert "jetbrush 700 /var/lib/jetbrush" in listed
    assert "root 640 /etc/jetbrush/jetbrush.env" in listed
    assert "42:a-token" not in await outside(service.journal, "jetbrush*")


@pytest_asyncio.fixture(loop_scope="module")
async def tunnel(container, sandbox, settings, ports):
    """The settings of a bot behind ngrok, and a stand-in for the agent."""
    agent = (ROOT / "tests" / "support" / "systemd" / "fake_ngrok.py").read_text()
    container.write("/usr/local/bin/ngrok", agent, 0o755)
    behind = {name: each for name, each in settings.items() if name != "WEBHOOK_URL"}
    behind.update(
        NGROK_AUTHTOKEN="2abcdefghijklmnop",
        NGROK_API=f"http://127.0.0.1:{ports['agent']}",
        WEBHOOK_URL_FILE="/run/jetbrush-ngrok/url",
    )
    container.write(ENVIRONMENT, as_text(behind), 0o640)

    def say(**said):
        partial = "/etc/fake-ngrok.part"
        container.write(partial, json.dumps(said))
        (container.folder / partial[1:]).replace(container.folder / "etc/fake-ngrok.json")

    say()
    await outside(container.systemctl, "enable", NGROK)
    yield say
    await outside(container.systemctl, "disable", "--now", NGROK)
    container.write(ENVIRONMENT, as_text(settings), 0o640)


async def test_web_hook_follows_an_agent_that_comes_late_changes_and_fails(
    container, sandbox, tunnel
):
    await outside(container.systemctl, "restart", "jetbrush.target")
    # The bot is ready before the tunnel is.
    assert await shown(container, "ActiveState") == "active"
    await is_shown(container, "StatusText", "no web hook yet")

    def hook_is_at(url):
        return lambda: sandbox.webhook.get("url", "").startswith(url)

    tunnel(url="https://one.ngrok-free.app")
    await until(hook_is_at("https://one.ngrok-free.app/"), container)
    await is_shown(container, "StatusText", "https://one.ngrok-free.app leads to port", NGROK)
    tunnel(url="https://two.ngrok-free.app")
    await until(hook_is_at("https://two.ngrok-free.app/"), container)
    # An agent whose own API fails changes nothing, and what it says is told in words.
    tunnel(error=[502, "err=ERR_NGROK_108"])
    await is_shown(container, "StatusText", "another ngrok agent runs", NGROK)
    assert hook_is_at("https://two.ngrok-free.app/")()
    # An agent that ends is started again, and why it ended is told in words.
    tunnel(end="lvl=eror err=ERR_NGROK_334")
    await is_shown(container, "Result", "exit-code", NGROK)
    assert "already online from another ngrok process" in await outside(container.journal, NGROK)
    assert hook_is_at("https://two.ngrok-free.app/")()
    tunnel(url="https://three.ngrok-free.app")
    await until(hook_is_at("https://three.ngrok-free.app/"), container)
    # The agent has neither the bot's token nor its state.
    pid = await shown(container, "MainPID", NGROK)
    environment = await outside(container.output, "cat", f"/proc/{pid}/environ")
    assert "NGROK_AUTHTOKEN" in environment and "42:a-token" not in environment


async def test_second_run_upgrades_and_keeps_what_is_the_owner_s(service, anna, settings):
    service.run("touch", "/opt/jetbrush/bot/left_over.py", "/opt/jetbrush/styles/owl.jpg")
    command = (f"{CHECKOUT}/scripts/install", "--yes", "--no-weights")
    said = await outside(service.output, *command, timeout=RESULT_SECONDS)
    assert "The bot runs" in said and "stays as it is" in said
    assert not (service.folder / "opt/jetbrush/bot/left_over.py").exists()
    assert (service.folder / "opt/jetbrush/styles/owl.jpg").exists()
    assert (service.folder / "etc/jetbrush/jetbrush.env").read_text() == as_text(settings)
    service.run("rm", "/opt/jetbrush/styles/owl.jpg")
    photo = await anna.photo(PHOTO.read_bytes())
    await anna.wait_for(is_result, after=photo, timeout=RESULT_SECONDS)


async def test_engines_are_built_beside_the_bot_while_some_are_missing(service):
    assert await shown(service, "UnitFileState", ENGINES) == "enabled"
    # Nothing was left to build, so it did not start with the target.
    assert await shown(service, "ConditionResult", ENGINES) == "no"
    left = '{"built": 2, "planned": 51, "failed": 0, "seconds_left": 9, "activity": "stopped"}'
    folder = "/opt/jetbrush/engines"
    await outside(service.run, "sh", "-c", f"echo '{left}' > {folder}/progress.json")
    before = await outside(service.output, "stat", "-c", "%Y", f"{folder}/weights.json")
    await outside(service.systemctl, "start", ENGINES)
    # There is no GPU here: it writes the graphs, which are its own, and says what is missing.
    await is_shown(service, "ActiveState", "failed", ENGINES)
    assert await shown(service, "ExecMainStatus", ENGINES) == "3"
    assert "Engines cannot be built on this machine" in await outside(service.journal, ENGINES)
    assert await outside(service.output, "stat", "-c", "%Y", f"{folder}/weights.json") != before
    await outside(service.run, "rm", f"{folder}/progress.json")
    await outside(service.systemctl, "reset-failed", ENGINES)


async def test_units_are_clean_and_well_closed(container, sandbox):
    services = (BOT, NGROK, ENGINES)
    units = ("jetbrush.target", "jetbrush-clocks.service", *services)
    paths = [f"/etc/systemd/system/{each}" for each in units]
    said = await outside(container.output, "systemd-analyze", "verify", *paths)
    assert "jetbrush" not in said, said
    exposure = ("systemd-analyze", "security", "--threshold=40")
    code, said = await outside(container.run, *exposure, *services, check=False)
    assert code == 0, said


async def test_uninstall_leaves_settings_and_state_unless_purged(container, sandbox):
    uninstall = f"{CHECKOUT}/scripts/uninstall"
    await outside(container.output, uninstall)
    inside = container.folder
    assert not (inside / "opt/jetbrush").exists()
    assert not list((inside / "etc/systemd/system").glob("jetbrush*"))
    assert (inside / "var/lib/jetbrush").exists() and (inside / "etc/jetbrush").exists()
    await outside(container.output, uninstall, "--purge")
    assert not list((inside / "var/lib").glob("jetbrush*"))
    assert not (inside / "etc/jetbrush").exists()
    assert container.run("id", "jetbrush", check=False)[0] != 0
