"""Texts and captions: converts HTML to plain text and entities, and checks the limits.

An entity's offset and length count UTF-16 units: https://core.telegram.org/bots/api#messageentity
"""

from __future__ import annotations

import re
from typing import List, Tuple

from bot.sandbox.api.arguments import Arguments, Json
from bot.sandbox.errors import bad_request

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_PIECE = re.compile(r"<(/?)([^\s<>/]*)([^<>]*)>|&(#\d+|#x[0-9a-fA-F]+|\w+);|(<)", re.DOTALL)
_HREF = re.compile(r"""href\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")

Formatted = Tuple[str, List[Json]]


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def text_content(arguments: Arguments) -> Json:
    """The `text` and `entities` of a message. Raises `ApiError` for one that cannot be sent."""
    text, entities = _formatted(arguments, "text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if len(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return {"text": text, "entities": entities} if entities else {"text": text}


def caption_content(arguments: Arguments) -> Json:
    """The `caption` and `caption_entities` of a message, if it has one. Raises `ApiError`."""
    text, entities = _formatted(arguments, "caption", "caption_entities")
    if len(text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    if not text:
        return {}
    return {"caption": text, "caption_entities": entities} if entities else {"caption": text}


def _formatted(arguments: Arguments, name: str, entities_name: str) -> Formatted:
    """The argument without mark-up and surrounding white space, and its entities."""
    mode = arguments.text("parse_mode").lower()
    if mode not in ("", "html"):
        # Telegram accepts Markdown too, which the bot does not use.
        raise bad_request("unsupported parse_mode")
    source = arguments.text(name)
    if mode == "html":
        text, entities = parse_html(source)
    else:
        text, entities = source, list(arguments.nested(entities_name) or [])
    return _trimmed(text, entities)


def _trimmed(text: str, entities: List[Json]) -> Formatted:
    """Strip white space and cut the entities to the text, as Telegram does."""
    start = units(text) - units(text.lstrip())
    text = text.strip()
    end = units(text)
    kept = []
    for entity in entities:
        first = max(0, entity["offset"] - start)
        last = min(end, entity["offset"] - start + entity["length"])
        if last > first:
            kept.append({**entity, "offset": first, "length": last - first})
    return text, kept


def parse_html(source: str) -> Formatted:
    """The plain text and entities of Telegram's HTML. Raises `ApiError` for invalid HTML."""
    text: List[str] = []
    length = 0
    open_tags: List[Tuple[str, Json]] = []
    entities: List[Json] = []
    position = 0
    for piece in _PIECE.finditer(source):
        plain = source[position : piece.start()]
        position = piece.end()
        closing, tag, attributes, reference, stray = piece.groups()
        if reference is not None:
            plain += _character(reference)
        text.append(plain)
        length += units(plain)
        if reference is not None:
            continue
        place = len(source[: piece.start()].encode("utf-8"))
        if stray or not tag:
            raise _parse_error(f"Unclosed start tag at byte offset {place}")
        tag = tag.lower()
        if not closing:
            open_tags.append((tag, {**_entity(tag, attributes, place), "offset": length}))
            continue
        if not open_tags:
            raise _parse_error(f"Unexpected end tag at byte offset {place}")
        expected, entity = open_tags.pop()
        if tag != expected:
            raise _parse_error(
                f'Unmatched end tag at byte offset {place}, expected "</{expected}>",'
                f' found "</{tag}>"'
            )
        entity["length"] = length - entity["offset"]
        if entity["length"]:
            entities.append(entity)
    if open_tags:
        raise _parse_error(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    text.append(source[position:])
    return "".join(text), sorted(entities, key=lambda each: (each["offset"], -each["length"]))


def _entity(tag: str, attributes: str, place: int) -> Json:
    """The entity that a start tag opens."""
    if tag not in TAGS or (tag == "span" and "tg-spoiler" not in attributes):
        raise _parse_error(f'Unsupported start tag "{tag}" at byte offset {place}')
    if tag != "a":
        return {"type": TAGS[tag]}
    found = _HREF.search(attributes)
    url = next((group for group in found.groups() if group), "") if found else ""
    return {"type": "text_link", "url": re.sub(r"&(\w+);", lambda m: _character(m[1]), url)}


def _character(reference: str) -> str:
    """The character that `&reference;` stands for; an unknown reference stays as it is."""
    if reference.startswith("#"):
        number = reference[1:]
        code = int(number[1:], 16) if number.startswith("x") else int(number)
        return chr(code) if 0 < code < 0x110000 else f"&{reference};"
    return _NAMED.get(reference, f"&{reference};")


def _parse_error(reason: str) -> Exception:
    """The error for invalid mark-up."""
    return bad_request(f"can't parse entities: {reason}")
