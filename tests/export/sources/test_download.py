"""Downloading over connections that break, from servers that are wrong."""

from __future__ import annotations

import hashlib
import io
import socket
import urllib.request
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np
import pytest

from export.errors import CheckpointError, ChecksumMismatch, DownloadError
from export.sources.download import Patience, _Redirects, download
from tests.support.export.loopback import Answer, serving

CONTENT = np.random.default_rng(3).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
EDITION = {"ETag": '"one"'}
HASTY = Patience(timeout_s=5.0, attempts=3, pause_s=0.0)
MOST = 1_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "weights.pth"


def files(path: Path) -> List[str]:
    return sorted(each.name for each in path.parent.iterdir()) if path.parent.exists() else []


def begun(path: Path, content: bytes, edition: str = "") -> None:
    """Leave what an earlier, broken download left."""
    path.parent.mkdir(parents=True)
    path.with_name(path.name + ".part").write_bytes(content)
    path.with_name(path.name + ".edition.part").write_text(edition)


def test_a_file_arrives_whole_and_reports_its_progress(path: Path) -> None:
    seen: List[Tuple[int, Optional[int]]] = []
    with serving(Answer(CONTENT)) as site:
        found = download(
            site.url,
            path,
            most_bytes=MOST,
            sha256=SHA256,
            on_progress=lambda done, total: seen.append((done, total)),
            patience=HASTY,
        )
    assert found == SHA256
    assert path.read_bytes() == CONTENT
    assert files(path) == ["weights.pth"]
    assert seen[0] == (0, len(CONTENT)) and seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)


def test_a_server_that_states_no_length(path: Path) -> None:
    with serving(Answer(CONTENT, length=False)) as site:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT


def test_cut_connections_are_resumed_where_they_were_cut(path: Path) -> None:
    with serving(
        Answer(CONTENT, cut=100_000), Answer(CONTENT, cut=150_000), Answer(CONTENT)
    ) as site:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT
    assert [each.get("Range") for each in site.requests] == [None, "bytes=100000-", "bytes=250000-"]


def test_attempts_that_bring_something_do_not_use_up_the_patience(path: Path) -> None:
    with serving(*[Answer(CONTENT, cut=30_000, headers=EDITION)] * 12) as site:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT
    assert len(site.requests) == 10


def test_a_later_call_goes_on_from_what_an_earlier_one_left(path: Path) -> None:
    with serving(
        Answer(CONTENT, cut=120_000, headers=EDITION), Answer(status=503)
    ) as site, pytest.raises(DownloadError, match=r"503.*120000 bytes are kept"):
        download(site.url, path, most_bytes=MOST, patience=HASTY)
    assert files(path) == ["weights.pth.edition.part", "weights.pth.part"]
    with serving(Answer(CONTENT, headers=EDITION)) as site:
        assert download(site.url, path, most_bytes=MOST, patience=HASTY) == SHA256
    assert site.requests[0]["Range"] == "bytes=120000-"
    assert path.read_bytes() == CONTENT
    assert files(path) == ["weights.pth"]


def test_another_edition_is_not_glued_to_the_old_one(path: Path) -> None:
    begun(path, b"old" * 1000, '"old"')
    with serving(Answer(CONTENT, headers=EDITION)) as site:
        assert download(site.url, path, most_bytes=MOST, patience=HASTY) == SHA256
    assert site.requests[0]["If-Range"] == '"old"'


def test_without_sum_and_edition_it_starts_anew(path: Path) -> None:
    begun(path, b"old" * 1000)
    with serving(Answer(CONTENT)) as site:
        assert download(site.url, path, most_bytes=MOST, patience=HASTY) == SHA256
    assert "Range" not in site.requests[0]


def test_a_part_of_another_file_is_found_out_by_the_sum(path: Path) -> None:
    begun(path, b"old" * 1000)
    with serving(Answer(CONTENT)) as site:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT
    assert [each.get("Range") for each in site.requests] == ["bytes=3000-", None]


def test_a_server_that_ignores_ranges(path: Path) -> None:
    begun(path, CONTENT[:1000])
    with serving(Answer(CONTENT, ranges=False)) as site:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT
    assert len(site.requests) == 1


def test_a_server_that_resumes_at_the_wrong_place(path: Path) -> None:
    begun(path, CONTENT[:1000])
    with serving(Answer(CONTENT, shift=7), Answer(CONTENT)) as site:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT
    assert "Range" not in site.requests[1]


def test_a_part_that_is_the_whole_file_already(path: Path) -> None:
    begun(path, CONTENT)
    with serving(Answer(CONTENT)) as site:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT
    assert len(site.requests) == 1


def test_a_part_longer_than_the_file(path: Path) -> None:
    begun(path, CONTENT + b"more")
    with serving(Answer(CONTENT)) as site:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT


def test_wrong_bytes_are_thrown_away_and_told(path: Path) -> None:
    wrong = b"x" + CONTENT[1:]
    with serving(Answer(wrong)) as site, pytest.raises(ChecksumMismatch) as caught:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert hashlib.sha256(wrong).hexdigest() in str(caught.value)
    assert SHA256 in str(caught.value)
    assert len(site.requests) == 1
    assert files(path) == []


def test_the_first_digits_of_a_sum_are_compared_too(path: Path) -> None:
    with serving(Answer(CONTENT)) as site:
        assert (
            download(site.url, path, most_bytes=MOST, sha256=SHA256[:8], patience=HASTY) == SHA256
        )
        path.unlink()
        with pytest.raises(ChecksumMismatch):
            download(site.url, path, most_bytes=MOST, sha256="0" * 8, patience=HASTY)


def test_a_file_that_fails_its_check_does_not_stay(path: Path) -> None:
    def check(part: Path) -> None:
        assert part.read_bytes() == CONTENT
        raise CheckpointError("not a generator")

    with serving(Answer(CONTENT, headers=EDITION)) as site, pytest.raises(
        CheckpointError, match="not a generator"
    ):
        download(site.url, path, most_bytes=MOST, check=check, patience=HASTY)
    assert files(path) == []


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_final_no_is_not_asked_again(path: Path, status: int) -> None:
    with serving(Answer(status=status)) as site, pytest.raises(
        DownloadError, match=f"answered {status}"
    ):
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert len(site.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_server_is_asked_again(path: Path, status: int) -> None:
    with serving(Answer(status=status), Answer(CONTENT)) as site:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT


def test_patience_ends(path: Path) -> None:
    with serving(Answer(status=503)) as site, pytest.raises(
        DownloadError, match=r"503 .*\(3 attempts\)"
    ):
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert len(site.requests) == 3


def test_nobody_listens(path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/a"
    with pytest.raises(DownloadError, match="refused"):
        download(url, path, most_bytes=MOST, patience=HASTY)


def test_a_server_that_says_nothing(path: Path) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/a"
        with pytest.raises(DownloadError, match="timed out"):
            download(
                url,
                path,
                most_bytes=MOST,
                patience=Patience(timeout_s=0.05, attempts=2, pause_s=0.0),
            )


def test_a_host_without_address_is_told_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def no_such_name(host: str, *_: object, **__: object) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    with pytest.raises(DownloadError, match=r"nowhere\.invalid.*not known"):
        download("http://nowhere.invalid/a", path, most_bytes=MOST, patience=HASTY)
    assert asked == ["nowhere.invalid"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with serving(Answer(CONTENT)) as site, pytest.raises(DownloadError, match="cannot write"):
        download(site.url, blocker / "weights.pth", most_bytes=MOST, sha256=SHA256, patience=HASTY)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told(path: Path) -> None:
    path.parent.mkdir()
    path.with_name(path.name + ".part").symlink_to("/dev/full")
    with serving(Answer(CONTENT)) as site, pytest.raises(
        DownloadError, match=r"No space left.*Make room"
    ):
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert not path.exists()


@pytest.mark.parametrize("length", [True, False], ids=["length", "no length"])
def test_a_file_larger_than_its_limit_is_cut_off(path: Path, length: bool) -> None:
    seen: List[int] = []
    with serving(Answer(CONTENT, length=length, headers=EDITION)) as site, pytest.raises(
        DownloadError, match=r"\d+ bytes or more.*at most 100000"
    ):
        download(
            site.url,
            path,
            most_bytes=100_000,
            on_progress=lambda done, total: seen.append(done),
            patience=HASTY,
        )
    assert files(path) == [] and len(site.requests) == 1
    assert max(seen, default=0) <= 100_000


def test_a_file_of_exactly_its_limit_is_kept(path: Path) -> None:
    with serving(Answer(CONTENT)) as site:
        download(site.url, path, most_bytes=len(CONTENT), sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT


def test_an_incomplete_file_larger_than_the_limit_is_started_again(path: Path) -> None:
    begun(path, CONTENT + CONTENT)
    with serving(Answer(CONTENT)) as site:
        download(site.url, path, most_bytes=len(CONTENT), sha256=SHA256, patience=HASTY)
    assert "Range" not in site.requests[0] and path.read_bytes() == CONTENT


def test_the_rest_of_an_incomplete_file_counts_as_well(path: Path) -> None:
    begun(path, CONTENT[:200_000], '"one"')
    with serving(Answer(CONTENT, length=False, headers=EDITION)) as site, pytest.raises(
        DownloadError, match="at most 250000"
    ):
        download(site.url, path, most_bytes=250_000, patience=HASTY)
    assert site.requests[0]["Range"] == "bytes=200000-" and files(path) == []


def redirect(url: str) -> Answer:
    return Answer(status=302, headers={"Location": url})


def test_a_redirect_on_the_same_host_is_followed(path: Path) -> None:
    with serving(Answer(CONTENT)) as other, serving(redirect(other.url)) as site:
        download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert path.read_bytes() == CONTENT


def test_a_redirect_to_another_host_without_https_is_refused(path: Path) -> None:
    with serving(Answer(CONTENT)) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        with serving(redirect(elsewhere)) as site, pytest.raises(
            DownloadError, match="neither https nor the same host"
        ):
            download(site.url, path, most_bytes=MOST, sha256=SHA256, patience=HASTY)
    assert other.requests == [] and len(site.requests) == 1 and files(path) == []


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        ("http://a.org/x", "https://b.org/x", True),
        ("https://a.org/x", "https://b.org/x", True),
        ("http://a.org/x", "http://a.org:8080/y", True),
        ("https://a.org/x", "http://a.org/x", False),
        ("https://a.org/x", "http://b.org/x", False),
        ("http://a.org/x", "ftp://a.org/x", False),
    ],
)
def test_redirects_lead_to_https_or_stay(old: str, new: str, allowed: bool) -> None:
    def follow() -> Optional[urllib.request.Request]:
        request = urllib.request.Request(old)
        return _Redirects().redirect_request(request, io.BytesIO(), 302, "Found", {}, new)

    if allowed:
        request = follow()
        assert request is not None and request.full_url == new
        return
    with pytest.raises(DownloadError, match="neither https nor the same host"):
        follow()
