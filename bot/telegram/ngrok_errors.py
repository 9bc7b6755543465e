"""What ngrok's error codes mean for the owner of a bot, and what helps."""

from __future__ import annotations

import re
from typing import Mapping, Optional

_SECOND_AGENT = (
    "another ngrok agent runs with the same account, and the plan allows one. Stop the other one;"
    " dashboard.ngrok.com/agents shows where it runs"
)
_DOMAIN_TAKEN = (
    "the domain is already online from another ngrok process. Stop that process; after a power cut"
    " ngrok releases the domain within a few minutes"
)
_AGENT_DOWN = (
    "no ngrok agent serves this domain. Start ngrok on this machine, with the domain that"
    " NGROK_DOMAIN names"
)
_BOT_DOWN = (
    "ngrok is up but reaches nothing on this machine. Make it forward to the port that the bot"
    " listens on (PORT)"
)
_NOT_HTTP = (
    "the address that ngrok forwards to does not speak plain HTTP. Make it forward to http://, not"
    " https://, and to the port that the bot listens on (PORT)"
)
_BAD_AUTHTOKEN = (
    "ngrok does not accept NGROK_AUTHTOKEN. Copy the authtoken, not an API key, from"
    " dashboard.ngrok.com/get-started/your-authtoken"
)
_REVOKED_AUTHTOKEN = (
    "the authtoken in NGROK_AUTHTOKEN was revoked, or belongs to an account that is gone. Copy the"
    " current one from dashboard.ngrok.com/get-started/your-authtoken"
)
_NO_AUTHTOKEN = (
    "ngrok needs the authtoken of an account whose email address is verified. Verify it, and set"
    " NGROK_AUTHTOKEN to the authtoken from dashboard.ngrok.com/get-started/your-authtoken"
)
_AGENT_OLD = "the ngrok agent is too old for the service. Run `ngrok update`"
_UNVERIFIED = (
    "the email address of the ngrok account is not verified. Verify it at"
    " dashboard.ngrok.com/user/settings"
)
_SUSPENDED = (
    "ngrok suspended the account. Write to support@ngrok.com, or set MODE=polling, which needs no"
    " tunnel"
)
_NOT_YOUR_DOMAIN = (
    "NGROK_DOMAIN names a domain that the account of NGROK_AUTHTOKEN does not have. Copy the domain"
    " from dashboard.ngrok.com/domains, and the authtoken of the same account"
)
_PAID_DOMAIN = (
    "the free plan has one domain, and NGROK_DOMAIN names another. Copy the one of the account from"
    " dashboard.ngrok.com/domains"
)
_NO_DOMAIN = (
    "the account has no domain yet. Ask for the free one at dashboard.ngrok.com/domains, and set"
    " NGROK_DOMAIN to it"
)
_PROXY = (
    "the free plan does not let the agent use an HTTP proxy. Remove http_proxy from the environment,"
    " or set MODE=polling, which needs no tunnel"
)
_ADDRESS_REFUSED = (
    "ngrok refuses agents at this machine's address, as it does in some countries. Another authtoken"
    " does not help. Set MODE=polling, which needs no tunnel, or use another tunnel with WEBHOOK_URL"
)
_QUOTA = (
    "this month's quota of the ngrok plan is used up. Choose a larger plan, or set MODE=polling,"
    " which needs no tunnel"
)

#: What ngrok's error codes mean for the owner of a bot (ngrok.com/docs/errors).
_ADVICE: Mapping[int, str] = {
    103: _SUSPENDED,
    105: _BAD_AUTHTOKEN,
    106: _BAD_AUTHTOKEN,
    107: _REVOKED_AUTHTOKEN,
    108: _SECOND_AGENT,
    120: _AGENT_OLD,
    121: _AGENT_OLD,
    123: _UNVERIFIED,
    313: _PAID_DOMAIN,
    314: _PAID_DOMAIN,
    319: _NOT_YOUR_DOMAIN,
    320: _NOT_YOUR_DOMAIN,
    334: _DOMAIN_TAKEN,
    725: _QUOTA,
    727: _QUOTA,
    3004: _NOT_HTTP,
    3200: _AGENT_DOWN,
    3208: _SUSPENDED,
    4018: _NO_AUTHTOKEN,
    8012: _BOT_DOWN,
    8014: _SUSPENDED,
    9009: _PROXY,
    9040: _ADDRESS_REFUSED,
    15002: _NO_DOMAIN,
    15013: _NO_DOMAIN,
}


def explain(text: str) -> Optional[str]:
    """The meaning of the first ngrok error code in `text` and what helps; `None` without a code."""
    match = re.search(r"ERR_NGROK_(\d+)", text)
    if not match:
        return None
    known = _ADVICE.get(int(match[1]))
    return f"{match[0]}: {known or f'see ngrok.com/docs/errors/{match[0].lower()}'}."
