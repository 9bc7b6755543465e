#!/usr/bin/env python3
"""A stand-in for the ngrok agent: reads its configuration, serves its local API.

The file FAKE_NGROK (by default /etc/fake-ngrok.json) says what it does and may change any time:
{"url": what it has online, "error": [status, text] of its API, "end": what it says and ends with}.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONTROL = Path(os.environ.get("FAKE_NGROK", "/etc/fake-ngrok.json"))


def control():
    return json.loads(CONTROL.read_text())


def setting(config, name):
    found = re.search(rf"^ *{name}: *(\S+)$", config, re.MULTILINE)
    return found and found[1]


def make_handler(upstream, fixed):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            said = control()
            if "error" in said:
                status, text = said["error"]
            elif self.path == "/api/endpoints":
                url = fixed or said.get("url")
                entry = {"name": "jetbrush", "url": url, "upstream": {"url": upstream}}
                status, text = 200, json.dumps({"endpoints": [entry] if url else []})
            else:
                status, text = 404, "no such page"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args):
            pass

    return Handler


def main():
    assert sys.argv[1:3] == ["start", "--all"], sys.argv
    config = Path(sys.argv[sys.argv.index("--config") + 1]).read_text()
    assert config.startswith("version: 3\n") and setting(config, "authtoken"), config
    host, _, port = setting(config, "web_addr").partition(":")
    upstream, fixed = (re.findall(r"url: (\S+)", config)[-1], None)
    if len(re.findall(r"url: (\S+)", config)) == 2:
        fixed = re.findall(r"url: (\S+)", config)[0]
    print("lvl=info msg=hello", flush=True)
    server = ThreadingHTTPServer((host, int(port)), make_handler(upstream, fixed))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while "end" not in control():
        time.sleep(0.05)
    print(control()["end"], flush=True)
    sys.exit(1)


main()
