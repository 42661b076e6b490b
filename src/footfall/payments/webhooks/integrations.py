"""Which providers a website is connected to, in the database: secrets, the last delivery, and those that were refused."""

from __future__ import annotations

from footfall.db.protocol import Row, Transaction
from footfall.errors import BadRequest, NotFound
from footfall.payments.providers import PROVIDERS, Provider
from footfall.payments.providers.model import SignatureProblem
from footfall.payments.webhooks.judging import Doubt
from footfall.payments.webhooks.model import Integration, LastDelivery, RefusedDelivery
from footfall.payments.webhooks.sealing import KeyLostError, SealingKey
from footfall.payments.webhooks.store import sql

MOST_REFUSED = 10
"""Refused deliveries that are kept of a website and provider."""
MAX_SECRET = 255
"""Characters of a webhook secret."""


def find_provider(name: str) -> Provider:
    """The provider of a name as in addresses. Raises NotFound."""
    if name not in PROVIDERS:
        raise NotFound(f"There is no such payment provider. Those that are known: {', '.join(PROVIDERS)}.")
    return PROVIDERS[name]


def check_secret(provider: Provider, secret: object) -> str:
    """A webhook secret as it is stored. Raises BadRequest for what can be none of this provider."""
    if not isinstance(secret, str) or not secret.strip():
        raise BadRequest(
            "webhookSecret is required: the signing secret that the provider shows with the webhook."
        )
    text = secret.strip()
    if len(text) > MAX_SECRET or not text.isascii() or not text.isprintable():
        raise BadRequest(f"webhookSecret: not more than {MAX_SECRET} printable ASCII characters.")
    if provider.verify(text, {}, b"", 0) is SignatureProblem.UNUSABLE:
        raise BadRequest(f"webhookSecret: not of the form that {provider.title} uses.")
    return text


def set_secret(
    tx: Transaction, key: SealingKey, website_id: bytes, provider: Provider, secret: str, now: int
) -> None:
    """Connect a website to a provider, or give it another secret (as `check_secret` gives it). Raises UsageError when it cannot be encrypted."""
    sealed = key.seal(secret, _about(website_id, provider.name))
    tx.execute(sql.integration_set, (website_id, provider.name, sealed, now))


def remove_secret(tx: Transaction, website_id: bytes, provider: Provider) -> NotFound | None:
    """Disconnect a website from a provider; its payments stay."""
    tx.execute(sql.refused_remove, (website_id, provider.name))
    if tx.execute(sql.integration_remove, (website_id, provider.name)):
        return None
    return not_connected(provider)


def not_connected(provider: Provider) -> NotFound:
    """The error for a provider without a secret."""
    return NotFound(f"This website is not connected to {provider.title}: set the webhook secret first.")


def sealed_secret(tx: Transaction, asked: tuple[bytes, str]) -> bytes | None:
    """The encrypted secret (website id, provider); None without one."""
    row = tx.one(sql.integration_get, asked)
    return row.secret if row else None


def open_secret(key: SealingKey, website_id: bytes, provider: str, sealed: bytes) -> str:
    """The secret. Raises KeyLostError."""
    return key.open(sealed, _about(website_id, provider))


def _about(website_id: bytes, provider: str) -> bytes:
    """A secret that is moved to another website or provider cannot be read there."""
    return website_id + provider.encode()


def integrations_of(tx: Transaction, key: SealingKey, website_id: bytes) -> list[Integration]:
    """How a website stands with each provider that is known."""
    rows = {row.provider: row for row in tx.all(sql.integrations_of, (website_id,))}
    refused = tx.all_together(*[(sql.refused_of, (website_id, name)) for name in PROVIDERS])
    return [
        _integration(key, website_id, name, rows.get(name), some)
        for name, some in zip(PROVIDERS, refused, strict=True)
    ]


def _integration(
    key: SealingKey, website_id: bytes, name: str, row: Row | None, refused: list[Row]
) -> Integration:
    if row is None:
        return Integration(name)
    last = None if row.last_at is None else LastDelivery(row.last_at, row.last_event, not row.last_is_live)
    listed = tuple(RefusedDelivery(one.refused_at, one.event, one.reason) for one in reversed(refused))
    return Integration(name, row.connected_at, _is_readable(key, website_id, row), last, listed)


def _is_readable(key: SealingKey, website_id: bytes, row: Row) -> bool:
    try:
        open_secret(key, website_id, row.provider, row.secret)
    except KeyLostError:
        return False
    return True


def note_refused(tx: Transaction, website_id: bytes, provider: str, doubt: Doubt, now: int) -> None:
    """Keep that a delivery was refused and why, in the place of the oldest once all places are taken."""
    tx.lock([(website_id, b"refused", provider)])
    if tx.one(sql.integration_get, (website_id, provider)) is None:
        return
    rows = tx.all(sql.refused_of, (website_id, provider))
    place = rows[0].place if len(rows) >= MOST_REFUSED else len(rows)
    tx.execute(sql.refused_put, (website_id, provider, place, now, doubt.event, doubt.reason))
