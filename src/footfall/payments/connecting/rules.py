"""What can be an API key, an account and an address of this server. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from footfall.errors import BadRequest
from footfall.ip import parse_ip
from footfall.payments.providers import Provider

MAX_KEY = 512
"""Characters of an API key."""
_ACCOUNT = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


def check_key(provider: Provider, value: object, field: str = "apiKey") -> str:
    """An API key. Raises BadRequest for what can be none; the message does not repeat it."""
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{field} must be a text: an API key of {provider.title}.")
    text = value.strip()
    if len(text) > MAX_KEY or not text.isascii() or not text.isprintable() or " " in text:
        raise BadRequest(f"{field}: not more than {MAX_KEY} printable ASCII characters, without blanks.")
    if provider.name == "stripe" and not text.startswith(("rk_", "sk_")):
        raise BadRequest(f"{field}: a restricted key of Stripe begins with rk_live_.")
    return text


def check_account(field: str, value: object) -> str | None:
    """The id of a store or organization, if one is given. Raises BadRequest."""
    if value is None or value == "":
        return None
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if _ACCOUNT.fullmatch(text) is None:
        raise BadRequest(f"{field}: must be an id of at most 64 letters, digits and hyphens.")
    return text


def check_origin(provider: Provider, origin: str) -> str:
    """The address of this server as a provider can reach it. Raises BadRequest for one that it cannot."""
    if not _is_public(origin):
        raise BadRequest(
            f"{provider.title} delivers to public https addresses only, not to {origin[:200] or 'an unknown one'}. "
            "Set FOOTFALL_PUBLIC_URL to that of this server, such as https://stats.example.com."
        )
    return origin.rstrip("/")


def _is_public(origin: str) -> bool:
    """Whether it is scheme, host and port alone, and the host may be in the internet."""
    try:
        parts = urlsplit(origin)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    address = parse_ip(host)
    is_reachable = "." in host if address is None else address.is_global
    rest = (parts.path.rstrip("/"), parts.query, parts.fragment, parts.username)
    return parts.scheme == "https" and is_reachable and not any(rest)
