"""Notifies systemd, which started this process, by the protocol of sd_notify(3)."""

from __future__ import annotations

import logging
import socket

_log = logging.getLogger(__name__)


def notify(address: str, **fields: object) -> None:
    """Send `NAME=value` lines to the socket that NOTIFY_SOCKET names; logs when it is not there."""
    # systemd writes the NUL at the head of an abstract address as @.
    name = "\0" + address[1:] if address[0] == "@" else address
    message = "\n".join(f"{field}={value}" for field, value in fields.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            # A systemd that does not read must not block this process.
            out.setblocking(False)
            out.sendto(message.encode(), name)
    except OSError as error:
        _log.warning("Cannot notify systemd of %r: %s", message, error)
