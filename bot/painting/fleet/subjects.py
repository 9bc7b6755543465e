"""The names on the server: subjects, streams, buckets, and who may use which.

Only the bot may use all of them. A painter has those of its own name, and nothing with which the
server would send what the painter wrote to a subject of the painter's choice: hence no consumers of
its own and no direct reads. The answers that it may ask for are in envelopes that no reader of
`bot.painting.fleet.messages` takes for a message.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Tuple

#: The user of the bot, and the name in the server's certificate, whatever the machine is called.
BOT, SERVER = "bot", "jetbrush-nats"

#: What a painter may be called: a part of subjects, buckets and file names.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")

#: The stream of the jobs that painters have not acknowledged.
JOBS = "JETBRUSH_JOBS"

#: What the bot asks all painters.
EVERYONE = "jetbrush.everyone"

#: The subjects of all painters, for the bot and for the stream.
FROM_ANY, ANY_JOB = "jetbrush.from.*", "jetbrush.job.*"


class Permissions(NamedTuple):
    """The subjects that a user may publish to and subscribe to."""

    publish: Tuple[str, ...]
    subscribe: Tuple[str, ...]


def is_name(text: str) -> bool:
    """Whether a painter may be called so."""
    return NAME.fullmatch(text) is not None and text not in (BOT, SERVER)


def job_subject(painter: str) -> str:
    """Where the jobs of a painter are."""
    return f"jetbrush.job.{painter}"


def from_painter(painter: str) -> str:
    """Where a painter reports to the bot."""
    return f"jetbrush.from.{painter}"


def to_painter(painter: str) -> str:
    """Where the bot talks to a painter."""
    return f"jetbrush.to.{painter}"


def sender(subject: str) -> str:
    """The painter that a message comes from; the server lets nobody else publish there."""
    return subject.rsplit(".", 1)[-1]


def bucket_of(painter: str) -> str:
    """The bucket of the files between the bot and a painter."""
    return f"jetbrush-{painter}"


def inbox_prefix(user: str) -> str:
    """Where the answers to a user's requests arrive."""
    return f"_INBOX_{user}"


def permissions_of(painter: str) -> Permissions:
    """What a painter's credential allows."""
    bucket = bucket_of(painter)
    return Permissions(
        publish=(
            from_painter(painter),
            # Take a job, keep it, acknowledge it.
            f"$JS.API.CONSUMER.MSG.NEXT.{JOBS}.{painter}",
            f"$JS.ACK.{JOBS}.{painter}.>",
            # Write and read files.
            f"$O.{bucket}.>",
            f"$JS.API.STREAM.INFO.OBJ_{bucket}",
            f"$JS.API.STREAM.MSG.GET.OBJ_{bucket}",
        ),
        subscribe=(to_painter(painter), EVERYONE, f"{inbox_prefix(painter)}.>"),
    )
