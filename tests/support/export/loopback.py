"""A web server on the loopback interface that misbehaves as it is told."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Dict, Iterator, List, Optional


@dataclass(frozen=True)
class Answer:
    """How one request is answered."""

    content: bytes = b""
    status: int = 200
    #: Close the connection after this many bytes of the body.
    cut: Optional[int] = None
    ranges: bool = True
    length: bool = True
    #: Answer a range request from the wrong place.
    shift: int = 0
    headers: Dict[str, str] = field(default_factory=dict)


class Site:
    """Answers in turn, the last one for ever, and the headers of the requests so far."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: List[Dict[str, str]] = []
        self.url = ""

    def next(self, headers: Dict[str, str]) -> Answer:
        self.requests.append(headers)
        return self.answers[min(len(self.requests), len(self.answers)) - 1]


@contextlib.contextmanager
def serving(*answers: Answer) -> Iterator[Site]:
    """Serve the answers at `Site.url`."""
    site = Site(*answers)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}/weights.pth"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(site: Site) -> type:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = site.next(dict(self.headers))
            body, status, headers = _body(answer, dict(self.headers))
            self.send_response(status)
            for name, value in {**answer.headers, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if answer.cut is None else body[: answer.cut])

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _body(answer: Answer, request: Dict[str, str]) -> tuple[bytes, int, Dict[str, str]]:
    body, status, headers = answer.content, answer.status, {}
    wanted = request.get("Range")
    edition = request.get("If-Range")
    current = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
    if wanted and answer.ranges and status == 200 and (edition is None or edition in current):
        start = int(wanted[len("bytes=") :].rstrip("-"))
        if start >= len(body):
            return b"", 416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"}
        start += answer.shift
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        body, status = body[start:], 206
    if answer.length:
        headers["Content-Length"] = str(len(body))
    return body, status, headers
