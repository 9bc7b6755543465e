"""The examination before a build, and its agreement with the Jetson's own findings."""

from __future__ import annotations

import pytest

from export.engines import preflight as engine_preflight
from runtime.machine.findings import OK
from runtime.machine.jetson import examine_jetson
from runtime.machine.resources import read_gpu_clock, read_memory

NANO_GPU = "57000000.gpu"


def install(root, free_mib, swap_mib, *, zram=False, jetson=(0, 0), gpu=NANO_GPU):
    """Write the kernel's files of a machine with so much free memory and swap on its disk."""
    (root / "proc").mkdir(parents=True)
    (root / "proc" / "meminfo").write_text(
        f"MemTotal: 4051048 kB\nMemAvailable: {free_mib * 1024} kB\nSwapFree: {swap_mib * 1024} kB\n"
    )
    kind = "/dev/zram0 partition" if zram else "/swapfile file"
    row = f"{kind} {swap_mib * 1024} 0 -2\n" if swap_mib else ""
    (root / "proc" / "swaps").write_text("Filename Type Size Used Priority\n" + row)
    if jetson[0]:
        (root / "etc").mkdir()
        (root / "etc" / "nv_tegra_release").write_text("# R32")
        folder = root / "sys/class/devfreq" / gpu
        folder.mkdir(parents=True)
        (folder / "min_freq").write_text(f"{jetson[0]}\n")
        (folder / "max_freq").write_text(f"{max(jetson)}\n")
        (folder / "available_frequencies").write_text(f"76800000 {jetson[1]}\n")


def warnings_of(root, *arguments, **options):
    install(root, *arguments, **options)
    return engine_preflight.warnings(root)


def test_preflight_warns_of_memory_swap_and_clocks(tmp_path):
    def said(name, *arguments, **options):
        (tmp_path / name).mkdir()
        return warnings_of(tmp_path / name, *arguments, **options)

    assert said("good", 3000, 4000, jetson=(921600000, 921600000)) == []
    assert ["Only 800 MiB" in each for each in said("full", 800, 4000)] == [True]
    assert ["2500 MiB free, expected" in each for each in said("no swap", 2500, 0)] == [True]
    assert ["nvzramconfig" in each for each in said("zram", 3000, 2000, zram=True)] == [True]
    slow = said("slow", 3000, 4000, jetson=(76800000, 921600000))
    assert len(slow) == 1 and "76 MHz of 921 MHz" in slow[0] and "jetson_clocks" in slow[0]


@pytest.mark.parametrize("free_mib", [0, 1499, 1500, 2800, 5300, 12000])
@pytest.mark.parametrize("swap_mib, zram", [(0, False), (3799, False), (3800, False), (9000, True)])
def test_preflight_and_the_jetson_s_findings_agree_on_memory(tmp_path, free_mib, swap_mib, zram):
    said = warnings_of(tmp_path, free_mib, swap_mib, zram=zram, jetson=(921600000, 921600000))
    found = {each.topic: each.state != OK for each in examine_jetson(tmp_path)}
    assert any("memory are free" in each for each in said) == found["memory"]
    assert any("nvzramconfig" in each for each in said) == found.get("zram", False) == zram
    # Where the swap is compressed memory, its warning asks for the swap file too.
    assert zram or any("a swap file of 4 GB" in each for each in said) == found["swap"]


@pytest.mark.parametrize("lowest", [76800000, 921600000])
@pytest.mark.parametrize(
    "gpu", [NANO_GPU, "17000000.gp10b", "17000000.gv11b", "17000000.ga10b", "gpu-gpc-0"]
)
def test_both_find_the_gpu_s_clock_on_every_jetson(tmp_path, gpu, lowest):
    said = warnings_of(tmp_path, 3000, 4000, jetson=(lowest, 921600000), gpu=gpu)
    found = {each.topic: each.state for each in examine_jetson(tmp_path)}
    held = lowest == 921600000
    assert (said == []) == (found["gpu clock"] == OK) == held


def test_clock_below_a_lowered_limit_is_not_held(tmp_path):
    install(tmp_path, 3000, 4000, jetson=(614400000, 921600000))
    (tmp_path / "sys/class/devfreq" / NANO_GPU / "max_freq").write_text("614400000")
    assert not read_gpu_clock(tmp_path).is_held


def test_machine_without_these_files_gets_no_warning(tmp_path):
    assert engine_preflight.warnings(tmp_path) == []
    assert read_memory(tmp_path) is None and read_gpu_clock(tmp_path) is None
