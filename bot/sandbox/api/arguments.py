"""The arguments of a Bot API call, in any of the four forms that Telegram accepts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Union

from aiohttp import web

from bot.sandbox.errors import ApiError, bad_request

Json = Dict[str, Any]

ATTACHED = "attach://"


@dataclass(frozen=True)
class Upload:
    """A file uploaded with a call."""

    name: str
    mime_type: str
    data: bytes = field(repr=False)


class Arguments:
    """Named arguments: JSON values, or strings from a form."""

    def __init__(self, values: Json, uploads: Dict[str, Upload]) -> None:
        self.values = values
        self.uploads = uploads

    def text(self, name: str) -> str:
        """The argument as a string; empty when it is missing."""
        value = self.values.get(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> Optional[int]:
        """The argument as an integer, or None when it is missing."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        try:
            return int(value)
        except (TypeError, ValueError) as error:
            raise bad_request(f"invalid {name} specified") from error

    def flag(self, name: str) -> bool:
        """The argument as a boolean; False when it is missing."""
        return str(self.values.get(name, "")).lower() in ("true", "1", "yes")

    def nested(self, name: str) -> Any:
        """The argument as an object or a list, which a form sends as a string of JSON."""
        value = self.values.get(name)
        if not isinstance(value, str) or value == "":
            return value or None
        try:
            return json.loads(value)
        except ValueError as error:
            raise bad_request(f"can't parse {name} JSON object") from error

    def file(self, name: str) -> Union[Upload, str]:
        """The uploaded file that the argument is or refers to, otherwise a file_id or URL."""
        if name in self.uploads:
            return self.uploads[name]
        value = self.text(name)
        if not value.startswith(ATTACHED):
            return value
        attached = self.uploads.get(value[len(ATTACHED) :])
        if attached is None:
            raise bad_request(f"there is no file attached as {value[len(ATTACHED) :]}")
        return attached

    def part(self, values: Json) -> Arguments:
        """The arguments in a nested object, with the same uploads."""
        return Arguments(values, self.uploads)


async def read_arguments(request: web.Request) -> Arguments:
    """The arguments in the query, the form or the JSON body. Raises `ApiError`."""
    values: Json = dict(request.query)
    uploads: Dict[str, Upload] = {}
    if request.content_type == "application/json":
        values.update(await _read_json(request))
        return Arguments(values, uploads)
    try:
        form = await request.post()
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(413, "Request Entity Too Large") from error
    except ValueError as error:
        raise bad_request("can't parse the request's form") from error
    for name, value in form.items():
        if isinstance(value, web.FileField):
            uploads[name] = Upload(value.filename, value.content_type, value.file.read())
        else:
            values[name] = value if isinstance(value, str) else bytes(value).decode("utf-8")
    return Arguments(values, uploads)


async def _read_json(request: web.Request) -> Json:
    """The object in the body."""
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError as error:
        raise bad_request("can't parse request JSON") from error
    if not isinstance(body, dict):
        raise bad_request("object expected as request body")
    return body
