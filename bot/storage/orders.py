"""What users ask for, and how the table of jobs holds it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Dict, Optional

from bot.outcomes import PictureRole
from bot.storage.styles import Styles, styles_from_json, styles_to_json
from bot.stored_options import Kind, PaintOptions, kind_of, options_from_json, options_to_json


@dataclass(frozen=True)
class Order:
    """What a user asks for.

    idempotency_key: the same for the same wish, such as an update that Telegram sends again.
    reply_to: the message that is answered, 0 for none.
    topic: the topic of a forum group in which to answer, `None` elsewhere.
    picture: the id of the photo; the result goes back as the media kind that it came as.
    options: how it is painted; their type says whether `styles` or `model` is needed.
    of_album: photo and style came as an album of two, and may be swapped.
    """

    idempotency_key: str
    user_id: int
    chat_id: int
    reply_to: int
    language: str
    picture: int
    options: PaintOptions
    styles: Styles = ()
    model: Optional[str] = None
    of_album: bool = False
    topic: Optional[int] = None

    @property
    def kind(self) -> Kind:
        """What is done to the picture."""
        return kind_of(self.options)

    @property
    def role(self) -> PictureRole:
        """What its picture is called when it cannot be used."""
        return PictureRole.VIDEO if self.kind is Kind.VIDEO else PictureRole.PHOTO

    @property
    def suffix(self) -> str:
        """That of the result's file."""
        return ".mp4" if self.kind is Kind.VIDEO else ".png"


def columns_of(order: Order) -> Dict[str, object]:
    """The order in the columns of a row."""
    return {
        "idempotency_key": order.idempotency_key,
        "user_id": order.user_id,
        "chat_id": order.chat_id,
        "reply_to": order.reply_to,
        "language": order.language,
        "kind": order.kind.value,
        "options": options_to_json(order.options),
        "picture": order.picture,
        "styles": styles_to_json(order.styles),
        "model": order.model,
        "of_album": order.of_album,
        "topic": order.topic,
    }


def order_of(row: sqlite3.Row) -> Order:
    """The order in the columns of a row."""
    return Order(
        idempotency_key=row["idempotency_key"],
        user_id=row["user_id"],
        chat_id=row["chat_id"],
        reply_to=row["reply_to"],
        language=row["language"],
        picture=row["picture"],
        options=options_from_json(Kind(row["kind"]), row["options"]),
        styles=styles_from_json(row["styles"]),
        model=row["model"],
        of_album=bool(row["of_album"]),
        topic=row["topic"],
    )
