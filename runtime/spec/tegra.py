"""A Jetson's system: its release, as an engine runs on the one that built it, and its memory."""

from __future__ import annotations

import os
from pathlib import Path

L4T_RELEASE = Path("/etc/nv_tegra_release")


def l4t_release(path: Path = L4T_RELEASE) -> str:
    """The Jetson's release, such as `R32.6.1`; empty on other machines."""
    if not path.exists():
        return ""
    # "# R32 (release), REVISION: 6.1, GCID: ..."
    parts = path.read_text(errors="replace").replace(",", " ").split()
    revision = parts[parts.index("REVISION:") + 1] if "REVISION:" in parts else "?"
    return f"{parts[1] if len(parts) > 1 else '?'}.{revision}"


def board_memory_mib(release: Path = L4T_RELEASE) -> int:
    """The memory of a Jetson, which its processor and GPU share, in MiB; 0 on other machines."""
    if not release.exists():
        return 0
    return (os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) >> 20
