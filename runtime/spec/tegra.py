"""The release of a Jetson's system; an engine runs on the release that built it."""

from __future__ import annotations

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
