"""A Bot API client of the tests' own: plain requests, and the answer as it came."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any, Dict, Optional, Tuple

import aiohttp
from PIL import Image

from bot.sandbox import Redelivery, Sandbox

Json = Dict[str, Any]

# Fast enough for a test, slow enough to tell one delivery from the next.
QUICK = Redelivery(first=0.02, longest=0.1, timeout=2.0)


class Client:
    """Calls methods as a bot does; every call gives the JSON of the answer."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.root = f"{sandbox.url}/bot{sandbox.token}"
        self.files = f"{sandbox.url}/file/bot{sandbox.token}"
        self.session = session

    async def __call__(self, method: str, **arguments: Any) -> Json:
        async with self.session.post(f"{self.root}/{method}", json=arguments) as response:
            answer: Json = await response.json()
        assert answer["ok"] is (response.status == 200)
        return answer

    async def upload(
        self, method: str, files: Dict[str, Tuple[str, bytes]], **arguments: Any
    ) -> Json:
        """Call with files as multipart; objects go as strings of JSON."""
        form = aiohttp.FormData(quote_fields=False)
        for name, value in arguments.items():
            form.add_field(name, value if isinstance(value, str) else json.dumps(value))
        for field, (name, data) in files.items():
            form.add_field(field, data, filename=name)
        async with self.session.post(f"{self.root}/{method}", data=form) as response:
            answer: Json = await response.json()
        return answer

    async def download(self, file_id: str) -> bytes:
        """The bytes of a file, as a bot gets them."""
        answer = await self("getFile", file_id=file_id)
        path = answer["result"]["file_path"]
        async with self.session.get(f"{self.files}/{path}") as response:
            assert response.status == 200
            return await response.read()

    async def updates(self, offset: int = 0, timeout: float = 5.0, **arguments: Any) -> list:
        """The updates of one poll."""
        answer = await self("getUpdates", offset=offset, timeout=timeout, **arguments)
        return answer["result"]


def picture(width: int = 640, height: int = 480, colour: str = "teal", form: str = "JPEG") -> bytes:
    """A picture of one colour as a file."""
    out = BytesIO()
    Image.new("RGB", (width, height), colour).save(out, form)
    return out.getvalue()


def size(data: bytes) -> Tuple[int, int]:
    """Width and height of a picture file."""
    with Image.open(BytesIO(data)) as opened:
        return opened.size


def refusal(answer: Json, code: int = 400) -> Optional[str]:
    """The description of a refusal with that code."""
    assert not answer["ok"] and answer["error_code"] == code, answer
    return answer["description"]
