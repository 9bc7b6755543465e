"""The power modes of Jetsons, with a stand-in for nvpmodel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.machine.power import current_mode, fastest_mode, main, start, stop

ROOT = Path(__file__).resolve().parents[3]
#: By machine: the modes of its nvpmodel, and the fastest.
MACHINES = {
    "Nano": ("0 MAXN, 1 5W", "MAXN"),
    "Orin Nano Super": ("0 15W, 1 25W, 2 MAXN_SUPER, 3 7W", "MAXN_SUPER"),
    "Orin Nano": ("0 15W, 1 7W", "15W"),
    "Orin NX Super": ("0 MAXN, 1 10W, 2 15W, 3 25W, 4 40W, 5 MAXN_SUPER", "MAXN_SUPER"),
    "AGX Orin": ("0 MAXN, 1 MODE_15W, 2 MODE_30W, 3 MODE_50W", "MAXN"),
    "Xavier NX": (
        "0 MODE_15W_2CORE, 2 MODE_15W_6CORE, 3 MODE_10W_2CORE, 7 MODE_20W_4CORE, 8 MODE_20W_6CORE",
        "MODE_20W_6CORE",
    ),
    "TX2": ("0 MAXN, 1 MAXQ, 2 MAXP_CORE_ALL", "MAXN"),
}
#: Keeps its mode in a file; `refuse` names a mode that needs a restart.
NVPMODEL = """#!/bin/sh
cd {folder}
case $1 in
    -q) echo "NV Power Mode: $(sed -n "s/.*ID=$(cat now) NAME=\\([^ ]*\\).*/\\1/p" etc/nvpmodel.conf)"; cat now ;;
    -m) [ "$2" = "$(cat refuse)" ] || echo "$2" >now ;;
esac
"""


@pytest.fixture()
def jetson(tmp_path, monkeypatch):
    """A Jetson's root, with `now`, the number of its mode; its modes are written by `modes`."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "refuse").write_text("")
    tool = tmp_path / "bin" / "nvpmodel"
    tool.write_text(NVPMODEL.format(folder=tmp_path))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    modes(tmp_path, MACHINES["Orin Nano Super"][0])
    (tmp_path / "now").write_text("1\n")
    return tmp_path


def modes(root, listed):
    sections = [
        f"< POWER_MODEL ID={each.split()[0]} NAME={each.split()[1]} >\nCPU_ONLINE CORE_0 1\n"
        for each in listed.split(", ")
    ]
    text = "# < POWER_MODEL ID=9 NAME=MAXN_SUPER >\n" + "\n".join(sections)
    (root / "etc/nvpmodel.conf").write_text(f"{text}\n< PM_CONFIG DEFAULT=0 >\n")


def now(root):
    return int((root / "now").read_text())


@pytest.mark.parametrize("machine", MACHINES)
def test_fastest_mode_is_found_by_its_name(jetson, machine):
    listed, fastest = MACHINES[machine]
    modes(jetson, listed)
    assert fastest_mode(jetson).name == fastest


def test_service_sets_the_fastest_mode_and_restores_the_owner_s(jetson):
    kept = jetson / "mode"
    assert "is mode 2, MAXN_SUPER until the service stops" in start(kept, jetson)
    assert now(jetson) == 2
    assert stop(kept, jetson) == "The power mode is 1 again."
    assert now(jetson) == 1 and not kept.exists()


def test_owner_s_mode_outlives_a_power_cut(jetson):
    kept = jetson / "mode"
    start(kept, jetson)
    # The machine starts again with the mode that the service set.
    assert "already" in start(kept, jetson)
    stop(kept, jetson)
    assert now(jetson) == 1


def test_owner_s_newer_mode_counts_after_a_power_cut(jetson):
    kept = jetson / "mode"
    start(kept, jetson)
    (jetson / "now").write_text("3\n")
    start(kept, jetson)
    stop(kept, jetson)
    assert now(jetson) == 3


def test_mode_that_somebody_else_set_meanwhile_stays(jetson):
    kept = jetson / "mode"
    start(kept, jetson)
    (jetson / "now").write_text("3\n")
    assert "Another program changed" in stop(kept, jetson)
    assert now(jetson) == 3 and not kept.exists()


def test_mode_that_needs_a_restart_is_named_with_the_command(jetson):
    kept = jetson / "mode"
    (jetson / "refuse").write_text("2")
    said = start(kept, jetson)
    assert "stays mode 1, 25W" in said and "`sudo nvpmodel -m 2`" in said
    assert not kept.exists() and stop(kept, jetson) == "There is no power mode to restore."


def test_machine_without_nvpmodel_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert current_mode() is None and fastest_mode(tmp_path) is None
    assert "the power mode stays" in start(tmp_path / "mode", tmp_path)
    assert not (tmp_path / "mode").exists()


def test_file_that_cannot_be_written_is_named(jetson, monkeypatch, capsys):
    monkeypatch.setattr("runtime.machine.power.fastest_mode", lambda root: fastest_mode(jetson))
    assert main(["start", str(jetson / "none" / "mode")]) == 1
    assert "none/mode cannot be changed" in capsys.readouterr().err
    assert now(jetson) == 1


def test_command_needs_nothing_but_python(tmp_path):
    code = (
        "import sys; sys.path.insert(0, '.'); import runtime.machine.power as p;"
        f" sys.exit(p.main(['stop', {str(tmp_path / 'mode')!r}]))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=str(ROOT), check=False)
    assert done.returncode == 0
