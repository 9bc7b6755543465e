"""The units as text: what an old systemd knows, and what they and the scripts must agree on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.painting.painter import OOM_SCORE
from bot.telegram.connection_limits import ConnectionLimits
from runtime.spec.engine_progress import PROGRESS_FILE

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "systemd"
UNITS = sorted([*FOLDER.glob("*.service"), *FOLDER.glob("*.target")])
DROP_INS = sorted(FOLDER.glob("*.d/*.conf"))

#: What systemd 237 (Ubuntu 18.04) knows of what we might use; its NEWS and man pages say so.
KNOWN_TO_237 = {
    "Unit": "Description Documentation PartOf Wants After ConditionPathExists StartLimitIntervalSec",
    "Service": (
        "Type User Group SupplementaryGroups WorkingDirectory Environment EnvironmentFile "
        "LimitNOFILE MemoryMax OOMScoreAdjust PrivateNetwork NotifyAccess ReadWritePaths "
        "Nice CPUWeight IOSchedulingClass "
        "UnsetEnvironment ExecStart ExecReload ExecStartPre ExecStartPost ExecStop RemainAfterExit "
        "StandardInput TimeoutStartSec "
        "TimeoutStopSec WatchdogSec Restart RestartSec KillMode StateDirectory StateDirectoryMode "
        "RuntimeDirectory RuntimeDirectoryPreserve UMask InaccessiblePaths NoNewPrivileges "
        "CapabilityBoundingSet ProtectSystem ProtectHome PrivateTmp PrivateDevices "
        "ProtectKernelTunables ProtectKernelModules ProtectControlGroups RestrictRealtime "
        "RestrictNamespaces RestrictAddressFamilies LockPersonality RemoveIPC KeyringMode "
        "SystemCallArchitectures"
    ),
    "Install": "WantedBy",
}
#: The systemd with which each newer directive, or the value we give it, came; its NEWS.
NEWER = {
    "SystemCallFilter": 239,  # @system-service
    "SystemCallErrorNumber": 239,
    "RestrictSUIDSGID": 242,
    "ProtectHostname": 242,
    "OOMPolicy": 243,
    "ProtectKernelLogs": 245,
    "ProtectClock": 245,
    "ProtectProc": 247,
}


def directives(path):
    """(section, name, value) of each line that is one."""
    section = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield section, name, value


def values(unit, name):
    return [value for _, each, value in directives(FOLDER / unit) if each == name]


def seconds(unit, name):
    (value,) = values(unit, name)
    return int(value)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_unit_uses_only_what_systemd_237_knows(path):
    for section, name, _ in directives(path):
        assert name in KNOWN_TO_237[section].split(), f"{path.name}: {name} in [{section}]"


@pytest.mark.parametrize("path", DROP_INS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_drop_in_holds_what_came_with_the_systemd_it_is_named_by(path):
    names = {name for _, name, _ in directives(path)}
    assert names and all(NEWER[name] == int(path.stem) for name in names)


def test_bot_s_unit_reaches_the_gpu_and_its_watchdog():
    assert values("jetbrush.service", "Type") == ["notify"]
    assert values("jetbrush.service", "SupplementaryGroups") == ["video"]
    assert seconds("jetbrush.service", "WatchdogSec") > 0
    hidden = {name for path in [FOLDER / "jetbrush.service", *DROP_INS]
              if path.parts[-2] in ("systemd", "jetbrush.service.d")
              for _, name, _ in directives(path)}  # fmt: skip
    # These would close the GPU's device nodes, or forbid its compilers.
    assert not hidden & {"PrivateDevices", "MemoryDenyWriteExecute", "ProtectClock"}


def test_a_stop_leaves_the_running_job_its_time():
    grace = re.search(r"^#STOP_GRACE=(\d+)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert seconds("jetbrush.service", "TimeoutStopSec") > 2 * int(grace[1])


def test_no_unit_hands_a_secret_to_who_needs_it_not():
    assert values("jetbrush.service", "UnsetEnvironment") == ["NGROK_AUTHTOKEN"]
    (hidden,) = values("jetbrush-ngrok.service", "UnsetEnvironment")
    assert {"BOT_TOKEN", "BOT_TOKEN_FILE", "WEBHOOK_SECRET"} <= set(hidden.split())


def test_scripts_name_the_paths_users_and_units_that_the_units_do():
    text = (ROOT / "scripts" / "common.sh").read_text(encoding="utf-8")
    said = dict(re.findall(r'^([A-Z_]+)="?([^"$\n]+)"?$', text.replace("\\\n", ""), re.MULTILINE))
    assert values("jetbrush.service", "WorkingDirectory") == [said["APP"]]
    for unit in ("jetbrush.service", "jetbrush-ngrok.service"):
        assert values(unit, "EnvironmentFile") == [f"{said['ETC']}/jetbrush.env"]
    assert said["STATE"] == "/var/lib/" + values("jetbrush.service", "StateDirectory")[0]
    named = ("jetbrush.service", "jetbrush-ngrok.service", "jetbrush-nats.service")
    users = {values(unit, "User")[0] for unit in named}
    assert users == set(said["USERS"].split())
    assert {path.name for path in UNITS} == set(said["UNITS"].split())


@pytest.mark.parametrize("unit", ["jetbrush.service", "jetbrush-ngrok.service"])
def test_services_are_bounded(unit):
    (files,) = values(unit, "LimitNOFILE")
    assert int(files) >= 4 * ConnectionLimits().most
    assert values(unit, "MemoryMax") and values(unit, "UMask")
    # The painter's own score is positive: it goes first.
    (score,) = values(unit, "OOMScoreAdjust")
    assert -1000 < int(score) < 0


def test_state_is_the_bot_s_alone():
    assert values("jetbrush.service", "UMask") == ["0077"]
    assert values("jetbrush.service", "StateDirectoryMode") == ["0700"]


def test_the_bot_starts_once_the_clock_is_set():
    (after,) = values("jetbrush.service", "After")
    assert "time-sync.target" in after.split()


def test_engines_are_built_beside_the_bot_and_it_comes_first():
    unit = "jetbrush-engines.service"
    given = {name: value for _, name, value in directives(FOLDER / unit)}
    engines = given["WorkingDirectory"] + "/engines"
    # Without that file all engines are built, and there is nothing to do.
    assert given["ConditionPathExists"] == f"{engines}/{PROGRESS_FILE}"
    assert given["ReadWritePaths"] == engines and given["ProtectSystem"] == "strict"
    # It continues after a restart, and what it notifies is shown.
    assert given["WantedBy"] == "jetbrush.target" and given["NotifyAccess"] == "main"
    assert "jetbrush.service" in given["After"].split()
    assert (given["Nice"], given["IOSchedulingClass"]) == ("19", "idle")
    assert int(given["OOMScoreAdjust"]) > OOM_SCORE
    secrets = values("jetbrush-ngrok.service", "UnsetEnvironment")[0].split()
    assert set(given["UnsetEnvironment"].split()) >= {*secrets, "NGROK_AUTHTOKEN"}
    assert given["PrivateNetwork"] == "yes"
    assert not {"PrivateDevices", "MemoryDenyWriteExecute"} & given.keys()


def test_clocks_are_sandboxed_but_may_be_set():
    given = {name: value for _, name, value in directives(FOLDER / "jetbrush-clocks.service")}
    assert given["NoNewPrivileges"] == given["PrivateNetwork"] == given["ProtectHome"] == "yes"
    assert given["ProtectSystem"] == "full" and "/etc/jetbrush" in given["InaccessiblePaths"]
    # The owner's power mode outlives a power cut.
    kept = f"/var/lib/{given['StateDirectory']}/"
    starts, stops = (
        [value for value in values("jetbrush-clocks.service", name) if "machine.power" in value]
        for name in ("ExecStart", "ExecStop")
    )
    assert len(starts) == len(stops) == 1
    assert f"power start {kept}" in starts[0] and f"power stop {kept}" in stops[0]
    # These would make /sys read-only, or hide the device nodes.
    assert not {"ProtectKernelTunables", "PrivateDevices", "CapabilityBoundingSet"} & given.keys()
