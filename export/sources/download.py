"""Downloads one file over HTTP: resumes after an interruption, checks the file, renames it.

The server is not trusted: it cannot fill the disk or redirect to an address without https.
"""

from __future__ import annotations

import hashlib
import http.client
import logging
import socket
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Optional
from urllib.parse import urlsplit

from export.errors import ChecksumMismatch, DownloadError

_log = logging.getLogger(__name__)

_BLOCK = 1 << 16
# Wikimedia Commons refuses programs that do not identify themselves.
_USER_AGENT = "Jetbrush/1.0 (Telegram photo bot; Python urllib)"
#: Status codes below 500 that are worth another attempt: timeout, too early, too many requests.
_BUSY = (408, 425, 429)

#: Called with the downloaded bytes and the size of the whole file, None if it is unknown.
OnProgress = Callable[[int, Optional[int]], None]


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server: `attempts` counts consecutive ones that bring no byte."""

    timeout_s: float = 30.0
    attempts: int = 4
    pause_s: float = 2.0


class _Broken(Exception):
    """The connection broke or the server is busy; worth another attempt."""


def download(
    url: str,
    path: Path,
    *,
    most_bytes: int,
    sha256: Optional[str] = None,
    check: Callable[[Path], object] = lambda _: None,
    on_progress: OnProgress = lambda done, total: None,
    patience: Optional[Patience] = None,
) -> str:
    """Download `url` to `path`; returns the file's sha256.

    The content is written to `path` + ".part" until it is complete, has the `sha256` (if given) and
    passes `check`; a later call resumes it. `sha256` may be its first digits only. The server may
    redirect to https, or from http to http on the same host.

    Raises `ChecksumMismatch` if the complete file has another sha256, `DownloadError` if it cannot
    be downloaded or has more than `most_bytes`, and what `check` raises. An incomplete file is kept
    only if it can be resumed.
    """
    part = _Part(path, trusted=sha256 is not None, most_bytes=most_bytes)
    resumed = part.size() > 0
    _fetch(url, part, on_progress, patience or Patience())
    found = file_sha256(part.path)
    if resumed and not found.startswith(sha256 or ""):
        # The first bytes may belong to another version of the file.
        _log.info("the incomplete %s is another version of the file: starting again", path.name)
        part.discard()
        _fetch(url, part, on_progress, patience or Patience())
        found = file_sha256(part.path)
    if not found.startswith(sha256 or ""):
        size = part.size()
        part.discard()
        raise ChecksumMismatch(
            f"{url} gave {size} bytes with the sha256 {found}, but the published file has "
            f"{sha256}: it was changed on the server or on the way, and was deleted."
        )
    try:
        check(part.path)
    except Exception:
        part.discard()
        raise
    part.finish()
    return found


class _Part:
    """The incomplete file, and a note of its version on the server (ETag or Last-Modified)."""

    # Not `atomic_write`, which removes the file when the connection breaks: this one is kept under
    # a fixed name, for the next run to continue from.

    def __init__(self, target: Path, *, trusted: bool, most_bytes: int) -> None:
        self.path = target.with_name(target.name + ".part")
        self._target = target
        self.most_bytes = most_bytes
        self._trusted = trusted
        self._note = target.with_name(target.name + ".edition.part")
        if not self.resumable() or self.size() > most_bytes:
            self.discard()

    def resumable(self) -> bool:
        """Whether a mixture of two versions of the file would be detected."""
        return self._trusted or bool(self.edition())

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def edition(self) -> str:
        return self._note.read_text("latin-1").strip() if self._note.exists() else ""

    def begin(self, edition: str) -> None:
        """Start an empty file of a version; "" if the server names none."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        self._note.write_text(edition, "latin-1")

    def check_size(self, url: str, size: int) -> None:
        """Delete the file and raise `DownloadError` if the whole one has too many bytes."""
        if size > self.most_bytes:
            self.discard()
            raise DownloadError(
                f"{url} sends {size} bytes or more, but the published file has at most "
                f"{self.most_bytes}: it is another file, and was deleted."
            )

    def finish(self) -> None:
        self._note.unlink(missing_ok=True)
        self.path.replace(self._target)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _fetch(url: str, part: _Part, on_progress: OnProgress, patience: Patience) -> None:
    """Complete `part`; attempts that bring some bytes are not counted."""
    left = patience.attempts
    while True:
        before = part.size()
        try:
            return _attempt(url, part, on_progress, patience.timeout_s)
        except _Broken as error:
            left = patience.attempts if part.size() > before else left - 1
            if left <= 0:
                raise DownloadError(
                    f"{url} cannot be downloaded: {error} ({patience.attempts} attempts). "
                    f"{_kept(part)}Check the network and try again."
                ) from error
            _log.info("%s: %s; trying again", url, error)
            time.sleep(patience.pause_s)
        except OSError as error:
            raise DownloadError(
                f"cannot write {part.path}: {error.strerror or error}. "
                "Make room or choose another folder, and run it again."
            ) from error


def _kept(part: _Part) -> str:
    if not part.size() or not part.resumable():
        return ""
    return f"{part.size()} bytes are kept; the next attempt continues from there. "


def _attempt(url: str, part: _Part, on_progress: OnProgress, timeout_s: float) -> None:
    """Request the missing bytes once, and write the answer."""
    response = _open(url, part, timeout_s)
    if response is None:
        return
    with response:
        if response.status != http.client.PARTIAL_CONTENT:
            part.begin(_edition(response))
        done = part.size()
        total = _total(response, done)
        part.check_size(url, total or 0)
        on_progress(done, total)
        with part.path.open("ab") as file:
            for block in iter(lambda: _read(response), b""):
                part.check_size(url, done + len(block))
                file.write(block)
                done += len(block)
                on_progress(done, total)
    # http.client ends a truncated body without an error.
    if total is not None and done < total:
        raise _Broken(f"the connection ended after {done} of {total} bytes")


def _open(url: str, part: _Part, timeout_s: float) -> Any:
    """The response to a request for the missing bytes; None if none are missing."""
    request = urllib.request.Request(url, headers={"User-Agent": _USER_AGENT})
    size = part.size()
    if size:
        request.add_header("Range", f"bytes={size}-")
        if part.edition():
            request.add_header("If-Range", part.edition())
    try:
        response = urllib.request.build_opener(_Redirects).open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        with error:
            return _refused(url, part, error)
    except (OSError, http.client.HTTPException) as error:
        if _unknown_host(error):
            raise DownloadError(
                f"{url} cannot be downloaded: {_reason(error)}. Check the network and try again."
            ) from error
        raise _Broken(_reason(error)) from error
    if response.status == http.client.PARTIAL_CONTENT and not _header(
        response, "Content-Range"
    ).startswith(f"bytes {size}-"):
        response.close()
        part.discard()
        raise _Broken("the server resumed at another byte than requested")
    return response


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https, and from http to http on the same host."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> Optional[urllib.request.Request]:
        """The request for the new address; raises `DownloadError` if it may not be followed."""
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        same = (old.scheme, old.hostname) == (new.scheme, new.hostname)
        if new.scheme != "https" and not same:
            fp.close()
            raise DownloadError(
                f"{req.full_url} redirects to {newurl}, which is neither https nor the same host. "
                "Fetch the file by hand if you trust that address."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refused(url: str, part: _Part, error: urllib.error.HTTPError) -> None:
    """Return if the server answers that no bytes are missing; raise for other errors."""
    if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and part.size():
        if _header(error, "Content-Range") == f"bytes */{part.size()}":
            return
        part.discard()
        raise _Broken("the incomplete file is longer than the published one") from error
    answer = f"the server answered {error.code} {error.reason}"
    if error.code in _BUSY or error.code >= http.client.INTERNAL_SERVER_ERROR:
        raise _Broken(answer) from error
    raise DownloadError(f"{url} cannot be downloaded: {answer}.") from error


def _unknown_host(error: Exception) -> bool:
    """Whether the host name cannot be resolved, so that another attempt is useless."""
    reason = getattr(error, "reason", error)
    return isinstance(reason, socket.gaierror) and reason.errno != socket.EAI_AGAIN


def _read(response: Any) -> bytes:
    try:
        return bytes(response.read(_BLOCK))
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(_reason(error)) from error


def _edition(response: Any) -> str:
    """The version to resume; a weak ETag does not promise equal bytes."""
    tag = _header(response, "ETag")
    return tag if tag and not tag.startswith("W/") else _header(response, "Last-Modified")


def _total(response: Any, start: int) -> Optional[int]:
    length = _header(response, "Content-Length")
    return start + int(length) if length.isdigit() else None


def _header(response: Any, name: str) -> str:
    return str(response.headers.get(name) or "").strip()


def _reason(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended before the file did"
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()
