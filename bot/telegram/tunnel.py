"""Where the bot is reached from the internet: by a fixed URL, or as the ngrok agent says."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

import aiohttp

from bot.config import Config
from bot.errors import TunnelError
from bot.setting_types import check_webhook_url

_TIMEOUT = aiohttp.ClientTimeout(total=5)

_SECOND_AGENT = (
    "another ngrok agent runs with the same account, and the plan allows one. Stop the other one;"
    " dashboard.ngrok.com/agents shows where it runs"
)
_DOMAIN_TAKEN = (
    "the domain is already online from another ngrok process. Stop that one; after a power cut it"
    " goes away by itself within a few minutes"
)
_AGENT_DOWN = (
    "no ngrok agent holds this domain. Start ngrok on this machine and see that NGROK_DOMAIN is"
    " the domain it was started with"
)
_BOT_DOWN = (
    "ngrok is up but reaches nothing on this machine. Let it forward to the port that the bot"
    " listens on (PORT)"
)
_NOT_HTTP = (
    "what ngrok forwards to does not speak plain http. Let it forward to http://, not https://, and"
    " to the port that the bot listens on (PORT)"
)
_AGENT_OLD = "the ngrok agent is too old for the service. Run `ngrok update`"
_QUOTA = (
    "the ngrok plan's quota of this month is used up. Choose a larger plan, or set MODE=polling,"
    " which needs no tunnel"
)

#: What ngrok's error codes mean for the owner of a bot (ngrok.com/docs/errors).
_ADVICE: Mapping[int, str] = {
    108: _SECOND_AGENT,
    120: _AGENT_OLD,
    121: _AGENT_OLD,
    334: _DOMAIN_TAKEN,
    725: _QUOTA,
    727: _QUOTA,
    3004: _NOT_HTTP,
    3200: _AGENT_DOWN,
    8012: _BOT_DOWN,
}


async def public_url(config: Config, session: aiohttp.ClientSession) -> str:
    """The URL that leads to `config.port` of this machine, without a slash at the end.

    From WEBHOOK_URL, else WEBHOOK_URL_FILE, else NGROK_DOMAIN, else the ngrok agent. Raises
    `TunnelError` when there is none (yet).
    """
    if config.webhook_url:
        return config.webhook_url
    if config.webhook_url_file:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, _from_file, config.webhook_url_file)
    if config.ngrok_domain:
        return f"https://{config.ngrok_domain}"
    return await url_of_agent(config.ngrok_api, config.port, session)


async def url_of_agent(api: str, port: int, session: aiohttp.ClientSession) -> str:
    """The https URL that the ngrok agent at `api` forwards to `port`; raises `TunnelError`."""
    listed = await _asked(f"{api}/api/endpoints", session)
    if listed is None:
        # Older agents know the other list only, which newer ones will drop.
        listed = await _asked(f"{api}/api/tunnels", session)
    tunnels = list(_tunnels(listed))
    for url, upstream in tunnels:
        if upstream == port and url.startswith("https://"):
            return url.rstrip("/")
    others = ", ".join(f"{url} to port {upstream}" for url, upstream in tunnels) or "none at all"
    raise TunnelError(
        f"The ngrok agent at {api} has no https tunnel to port {port} (it has {others}). Start it"
        f" with `ngrok http {port}`, or set PORT to the port that it forwards to."
    )


async def tunnel_trouble(url: str, session: aiohttp.ClientSession) -> Optional[str]:
    """What ngrok says, in words of our own, when `url` does not lead to the bot; else `None`."""
    try:
        async with session.get(url, timeout=_TIMEOUT) as answer:
            code = answer.headers.get("Ngrok-Error-Code", "")
    except (aiohttp.ClientError, asyncio.TimeoutError):
        # Telegram may well reach what this machine does not.
        return None
    return explained(code)


def explained(text: str) -> Optional[str]:
    """What the first of ngrok's error codes in `text` means and what helps, `None` without one."""
    match = re.search(r"ERR_NGROK_(\d+)", text)
    if not match:
        return None
    known = _ADVICE.get(int(match[1]))
    return f"{match[0]}: {known or f'see ngrok.com/docs/errors/{match[0].lower()}'}."


def _from_file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TunnelError(
            f"WEBHOOK_URL_FILE, {path}, cannot be read: {error}. It shall hold the public URL; is"
            " the program that writes it running?"
        ) from error
    try:
        return check_webhook_url(text)
    except ValueError as error:
        raise TunnelError(f"WEBHOOK_URL_FILE, {path}, holds {text[:100]!r}; {error}") from error


async def _asked(url: str, session: aiohttp.ClientSession) -> Any:
    """What the agent answers, `None` when it does not know `url`."""
    try:
        async with session.get(url, timeout=_TIMEOUT) as answer:
            text = await answer.text(errors="replace")
            if answer.status == 404:
                return None
            if answer.status == 200:
                # Its type is not application/json in every version.
                return await answer.json(content_type=None)
    except (aiohttp.ClientConnectionError, asyncio.TimeoutError) as error:
        raise TunnelError(
            f"No ngrok agent answers at {url} ({type(error).__name__}). Start ngrok, or set"
            " NGROK_DOMAIN or WEBHOOK_URL; with MODE=polling no tunnel is needed."
        ) from error
    except (aiohttp.ClientError, ValueError) as error:
        raise TunnelError(f"{url} is no ngrok agent ({error}); set NGROK_API to its.") from error
    advice = explained(text) or f"{text[:200].strip()!r}."
    raise TunnelError(f"The ngrok agent answers {answer.status} at {url}: {advice}")


def _tunnels(listed: Any) -> Iterator[Tuple[str, Optional[int]]]:
    """Each tunnel's URL and the port it leads to, of either of the agent's lists."""
    found: List[Any] = []
    if isinstance(listed, dict):
        found = listed.get("endpoints") or listed.get("tunnels") or []
    for each in found:
        if not isinstance(each, dict):
            continue
        url = each.get("url") or each.get("public_url") or ""
        upstream = each.get("upstream") or {}
        leads_to = upstream.get("url") or each.get("config", {}).get("addr") or ""
        yield url, _port_of(leads_to)


def _port_of(address: str) -> Optional[int]:
    """The port of `8080`, `localhost:8080` or `http://localhost:8080`."""
    if address.isdigit():
        return int(address)
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
