"""Fetching the famous paintings, from a server on the loopback."""

from __future__ import annotations

import io
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Callable, Dict, Iterator, List

import pytest
from PIL import Image

import styles.__main__
from styles.fetch import fetch, report

PATH = "/wiki/Special:FilePath/A_Painting%2C_1900.jpg?width=1280"


def picture(width: int = 640, height: int = 520) -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Answers with what the test has put on the server."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["User-Agent"]))  # type: ignore[attr-defined]
        status, body, promised = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    entry = {
        "name": "a-painting",
        "file": "a-painting.jpg",
        "url": "https://commons.example" + PATH,
    }
    own = {"name": "own", "file": "own.jpg"}
    (tmp_path / "index.json").write_text(json.dumps([own, entry]), encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(server: ThreadingHTTPServer, folder: Path) -> Callable[..., str]:
    """Fetch with a given answer; the report."""

    def fetch_and_report(body: bytes, status: int = 200, promised: int = -1) -> str:
        server.answer = (status, body, promised if promised >= 0 else len(body))  # type: ignore[attr-defined]
        return report(fetch(folder, base=f"http://127.0.0.1:{server.server_port}/", timeout=5))

    return fetch_and_report


def files(folder: Path) -> List[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_good_picture_is_stored_as_it_came(
    run: Callable[..., str], server: ThreadingHTTPServer, folder: Path
) -> None:
    body = picture()
    assert run(body) == "a-painting: fetched."
    assert (folder / "a-painting.jpg").read_bytes() == body
    assert (folder / "a-painting.jpg").stat().st_mode & 0o777 == 0o644
    ((path, agent),) = server.asked  # type: ignore[attr-defined]
    assert path == PATH
    assert agent.startswith("Jetbrush/")


def test_a_picture_that_is_there_is_not_asked_for_again(
    run: Callable[..., str], server: ThreadingHTTPServer, folder: Path
) -> None:
    (folder / "a-painting.jpg").write_bytes(b"the owner's own")
    assert run(picture()) == "a-painting: already there."
    assert server.asked == []  # type: ignore[attr-defined]
    assert (folder / "a-painting.jpg").read_bytes() == b"the owner's own"


BAD: Dict[str, Dict[str, object]] = {
    "the server answered 404 Not Found": {"body": b"no", "status": 404},
    "what came is not a picture": {"body": b"<html>a login page</html>"},
    "the connection was cut before the picture was complete": {
        "body": picture()[:900],
        "promised": 90_000,
    },
    "the picture is only 640 x 200; a style needs 512 px on each side": {"body": picture(640, 200)},
}


@pytest.mark.parametrize("problem", list(BAD))
def test_anything_else_leaves_no_file_and_says_what_to_do(
    problem: str, run: Callable[..., str], server: ThreadingHTTPServer, folder: Path
) -> None:
    text = run(**BAD[problem])
    assert text == (
        f"a-painting: not fetched: {problem}.\n"
        f"    By hand: save http://127.0.0.1:{server.server_port}{PATH} as styles/a-painting.jpg\n"
        "1 of 1 famous paintings are missing. The gallery works without them: it offers the styles "
        "whose files are there."
    )
    assert files(folder) == ["index.json"]


def test_a_truncated_picture_is_not_a_picture(run: Callable[..., str], folder: Path) -> None:
    assert "not fetched: what came is not a picture." in run(picture()[:900])
    assert files(folder) == ["index.json"]


def test_a_picture_that_cannot_be_stored_is_reported(
    run: Callable[..., str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    assert "it cannot be written to" in run(picture())
    assert files(folder) == ["index.json"]


def test_offline_the_command_succeeds_with_a_note(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(styles.__main__, "FOLDER", folder)
    with socket.socket() as nobody:
        # Bound but not listening: connections are refused, and nobody else can take the port.
        nobody.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        assert styles.__main__.main(["fetch", "--base", base]) == 0
    assert "a-painting: not fetched: no connection (" in capsys.readouterr().out


def test_names_limit_the_work(folder: Path) -> None:
    assert fetch(folder, names=["own"]) == []
    assert report([]) == ""
