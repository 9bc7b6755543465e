"""Fetches the famous paintings of the index that are not in the folder yet.

Being offline is no error: the bundled styles need nothing, so the caller continues without them.
"""

from __future__ import annotations

import http.client
import io
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional
from urllib.parse import urlsplit

from PIL import Image

from runtime.files import atomic_write

FOLDER = Path(__file__).resolve().parent
USER_AGENT = "Jetbrush/1.0 (style gallery of a Telegram photo bot; Python urllib)"
LEAST_SIDE = 512
# A print at 1280 px is well under 2 MB; the limit keeps a wrong address from filling the disk.
MOST_BYTES = 32 * 1024 * 1024

Entry = Dict[str, Any]


class FetchError(Exception):
    """A picture could not be fetched; the text says why, in words for the owner."""


@dataclass(frozen=True)
class Outcome:
    """The result for one painting: `problem` is None when its file is in place."""

    name: str
    file: str
    url: str
    problem: Optional[str] = None
    fetched: bool = False


def read_index(folder: Path = FOLDER) -> List[Entry]:
    """Read the entries of a folder's index.json."""
    entries: List[Entry] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return entries


def _address(url: str, base: Optional[str]) -> str:
    """The URL, or the same path and query below another base."""
    if base is None:
        return url
    parts = urlsplit(url)
    return base.rstrip("/") + parts.path + ("?" + parts.query if parts.query else "")


def _download(url: str, timeout: float) -> bytes:
    """The body behind a URL; FetchError if it does not come whole."""
    request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            body: bytes = response.read(MOST_BYTES + 1)
            promised = response.headers.get("Content-Length")
    except urllib.error.HTTPError as error:
        raise FetchError(f"the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise FetchError(f"no connection ({error.reason})") from error
    except http.client.IncompleteRead as error:
        raise FetchError("the connection was cut before the picture was complete") from error
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"the connection failed ({error})") from error
    if len(body) > MOST_BYTES:
        raise FetchError(f"the file is larger than {MOST_BYTES // 2**20} MB")
    # read(n) does not complain about a body that ends early, unlike read().
    if promised is not None and promised.isdigit() and len(body) < int(promised):
        raise FetchError("the connection was cut before the picture was complete")
    return body


def _check(body: bytes) -> None:
    """FetchError unless the bytes decode as a picture that is large enough for a style."""
    try:
        with Image.open(io.BytesIO(body)) as picture:
            picture.load()
            width, height = picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FetchError("what came is not a picture") from error
    if min(width, height) < LEAST_SIDE:
        raise FetchError(
            f"the picture is only {width} x {height}; a style needs {LEAST_SIDE} px on each side"
        )


def fetch(
    folder: Path = FOLDER,
    names: Optional[List[str]] = None,
    base: Optional[str] = None,
    timeout: float = 20.0,
) -> List[Outcome]:
    """Fetch the missing paintings into a folder; one outcome for each of them.

    `names` limits the work to some entries; `base` puts another server before every path.
    """
    outcomes = []
    for entry in read_index(folder):
        if "url" not in entry or (names and entry["name"] not in names):
            continue
        url = _address(entry["url"], base)
        path = folder / entry["file"]
        if path.exists():
            outcomes.append(Outcome(entry["name"], entry["file"], url))
            continue
        try:
            body = _download(url, timeout)
            _check(body)
            # The bot may run as another user, whatever the umask of this one is.
            with atomic_write(path, mode=0o644) as file:
                file.write(body)
        except FetchError as error:
            outcomes.append(Outcome(entry["name"], entry["file"], url, str(error)))
        except OSError as error:
            problem = f"it cannot be written to {path}: {error.strerror or error}"
            outcomes.append(Outcome(entry["name"], entry["file"], url, problem))
        else:
            outcomes.append(Outcome(entry["name"], entry["file"], url, fetched=True))
    return outcomes


def report(outcomes: List[Outcome]) -> str:
    """Say what is there, what is not, and how to supply it by hand."""
    lines = []
    for outcome in outcomes:
        if outcome.problem is not None:
            lines.append(f"{outcome.name}: not fetched: {outcome.problem}.")
            lines.append(f"    By hand: save {outcome.url} as styles/{outcome.file}")
        else:
            lines.append(f"{outcome.name}: {'fetched' if outcome.fetched else 'already there'}.")
    missing = sum(outcome.problem is not None for outcome in outcomes)
    if missing:
        lines.append(
            f"{missing} of {len(outcomes)} famous paintings are missing. The gallery works without "
            "them: it offers the styles whose files are there."
        )
    return "\n".join(lines)
