"""The public URL of the bot: from a setting, from a file, or from the ngrok agent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple
from urllib.parse import urlsplit

import aiohttp

from bot.config import Config
from bot.config_types import check_webhook_url
from bot.errors import TunnelError
from bot.telegram.ngrok_errors import explain
from bot.threads import on_thread

_TIMEOUT = aiohttp.ClientTimeout(total=5)


async def public_url(config: Config, session: aiohttp.ClientSession) -> str:
    """The URL that leads to `config.port` of this machine, without a slash at the end.

    It comes from WEBHOOK_URL, WEBHOOK_URL_FILE, NGROK_DOMAIN or the ngrok agent: the first that is
    set. Raises `TunnelError` when there is no URL (yet).
    """
    if config.webhook_url:
        return config.webhook_url
    if config.webhook_url_file:
        return await on_thread(_read_url_file, config.webhook_url_file)
    if config.ngrok_domain:
        return f"https://{config.ngrok_domain}"
    return await url_of_agent(config.ngrok_api, config.port, session)


async def url_of_agent(api: str, port: int, session: aiohttp.ClientSession) -> str:
    """The https URL that the ngrok agent at `api` forwards to `port`; raises `TunnelError`."""
    listed = await _get(f"{api}/api/endpoints", session)
    if listed is None:
        # Older agents have only the other list, which newer ones will drop.
        listed = await _get(f"{api}/api/tunnels", session)
    tunnels = list(_tunnels(listed))
    for url, upstream in tunnels:
        if upstream == port and url.startswith("https://"):
            return url.rstrip("/")
    others = ", ".join(f"{url} to port {upstream}" for url, upstream in tunnels) or "none"
    raise TunnelError(
        f"The ngrok agent at {api} has no https tunnel to port {port} (its tunnels: {others})."
        f" Start it with `ngrok http {port}`, or set PORT to the port that it forwards to."
    )


async def tunnel_problem(url: str, session: aiohttp.ClientSession) -> Optional[str]:
    """Why ngrok does not forward `url` to the bot and what helps; `None` without an error."""
    try:
        async with session.get(url, timeout=_TIMEOUT) as answer:
            code = answer.headers.get("Ngrok-Error-Code", "")
    except (aiohttp.ClientError, asyncio.TimeoutError):
        # Telegram may reach the URL even if this machine does not.
        return None
    return explain(code)


def _read_url_file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TunnelError(
            f"WEBHOOK_URL_FILE, {path}, cannot be read: {error}. Expected a file with the public"
            " URL; check that the program that writes it runs."
        ) from error
    try:
        return check_webhook_url(text)
    except ValueError as error:
        raise TunnelError(f"WEBHOOK_URL_FILE, {path}, contains {text[:100]!r}; {error}") from error


async def _get(url: str, session: aiohttp.ClientSession) -> Any:
    """The agent's answer as JSON, `None` when it does not know `url`."""
    try:
        async with session.get(url, timeout=_TIMEOUT) as answer:
            text = await answer.text(errors="replace")
            if answer.status == 404:
                return None
            if answer.status == 200:
                # Not every version declares application/json.
                return await answer.json(content_type=None)
    except (aiohttp.ClientConnectionError, asyncio.TimeoutError) as error:
        raise TunnelError(
            f"No ngrok agent answers at {url} ({type(error).__name__}). Start ngrok, or set"
            " NGROK_DOMAIN or WEBHOOK_URL; with MODE=polling no tunnel is needed."
        ) from error
    except (aiohttp.ClientError, ValueError) as error:
        raise TunnelError(
            f"{url} is no ngrok agent ({error}). Set NGROK_API to the agent's address."
        ) from error
    advice = explain(text) or f"{text[:200].strip()!r}."
    raise TunnelError(f"The ngrok agent answers {answer.status} at {url}: {advice}")


def _tunnels(listed: Any) -> Iterator[Tuple[str, Optional[int]]]:
    """The URL and the local port of each tunnel, from either of the agent's lists."""
    found: List[Any] = []
    if isinstance(listed, dict):
        found = listed.get("endpoints") or listed.get("tunnels") or []
    for each in found:
        if not isinstance(each, dict):
            continue
        url = each.get("url") or each.get("public_url") or ""
        upstream = each.get("upstream") or {}
        address = upstream.get("url") or each.get("config", {}).get("addr") or ""
        yield url, _port_of(address)


def _port_of(address: str) -> Optional[int]:
    """The port of `8080`, `localhost:8080` or `http://localhost:8080`."""
    if address.isdigit():
        return int(address)
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
