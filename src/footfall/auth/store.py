"""API keys and access tokens in the database."""

from __future__ import annotations

from typing import Any

import msgspec

from footfall.auth import tokens
from footfall.auth.accounts import sql as account_sql
from footfall.auth.principal import Principal
from footfall.auth.scopes import ALL, unknown_scopes
from footfall.clock import to_iso
from footfall.db.protocol import Transaction, WriteHandler
from footfall.db.statements import load
from footfall.errors import UsageError
from footfall.ids import new_object_id, random_text
from footfall.labels import clean_label

sql = load(__file__, "auth.sql")


def read_principals(tx: Transaction) -> dict[bytes, Principal]:
    """Every key and token that is not revoked, by the hash of its secret."""
    everything = frozenset((ALL,))
    principals = {
        row[3]: Principal(row[1], row[2], row[0], everything, frozenset()) for row in tx.all(sql.keys_all)
    }
    for token_id, name, secret_hash, scopes, website_ids in tx.all(sql.tokens_all):
        allowed = frozenset(bytes.fromhex(text) for text in msgspec.json.decode(website_ids))
        principals[secret_hash] = Principal(
            token_id, name, None, frozenset(msgspec.json.decode(scopes)), allowed
        )
    return principals


def create_key(tx: Transaction, website_id: bytes, name: str, now: int) -> dict[str, Any]:
    """A new API key of a website that exists: `{apiKeyId, key, ...}`; the key is shown this once. Raises UsageError for its name."""
    name = clean_label(name, "name")
    secret = tokens.make_secret(tokens.KEY_PREFIX, random_text(32))
    key_id = new_object_id()
    tx.run(
        sql.key_add, (website_id, key_id, name, tokens.display_key(secret), tokens.hash_secret(secret), now)
    )
    return {
        "apiKeyId": key_id.hex(),
        "key": secret,
        "name": name,
        "websiteId": website_id.hex(),
        "createdAt": to_iso(now),
    }


def list_keys(tx: Transaction, website_id: bytes) -> list[dict[str, Any]]:
    """A website's API keys, oldest first, without their secrets."""
    return [
        {"apiKeyId": row[0].hex(), "name": row[1], "displayKey": row[2], **_times(row[3], row[4], row[5])}
        for row in tx.all(sql.keys_of_website, (website_id,))
    ]


def revoke_key(tx: Transaction, key_id: bytes, now: int) -> bool:
    """Whether there was such a key to revoke."""
    return tx.run(sql.key_revoke, (key_id, now)) > 0


def create_token(
    tx: Transaction, name: str, scopes: list[str], website_ids: list[bytes], now: int
) -> dict[str, Any]:
    """A new access token: `{tokenId, key, ...}`; the key is shown this once. Raises UsageError for its name or an unknown scope."""
    name = clean_label(name, "name")
    if unknown := unknown_scopes(scopes):
        raise UsageError(f"permissions: {', '.join(unknown)[:200]} unknown")
    if not scopes:
        raise UsageError("permissions: name at least one")
    scopes, website_ids = list(dict.fromkeys(scopes)), list(dict.fromkeys(website_ids))
    secret = tokens.make_secret(tokens.TOKEN_PREFIX, random_text(32))
    token_id = new_object_id()
    allowed = [website_id.hex() for website_id in website_ids]
    packed = (msgspec.json.encode(scopes).decode(), msgspec.json.encode(allowed).decode())
    tx.run(
        sql.token_add, (token_id, name, tokens.display_key(secret), tokens.hash_secret(secret), *packed, now)
    )
    return {
        "tokenId": token_id.hex(),
        "key": secret,
        "name": name,
        "permissions": scopes,
        "websiteIds": allowed,
        "createdAt": to_iso(now),
    }


def list_tokens(tx: Transaction) -> list[dict[str, Any]]:
    """All access tokens, oldest first, without their secrets."""
    return [
        {
            "tokenId": row[0].hex(),
            "name": row[1],
            "displayKey": row[2],
            "permissions": msgspec.json.decode(row[3]),
            "websiteIds": msgspec.json.decode(row[4]),
            **_times(row[5], row[6], row[7]),
        }
        for row in tx.all(sql.tokens_list)
    ]


def revoke_token(tx: Transaction, token_id: bytes, now: int) -> bool:
    """Whether there was such a token to revoke."""
    return tx.run(sql.token_revoke, (token_id, now)) > 0


def key_names(tx: Transaction, website_id: bytes) -> dict[bytes, str | None]:
    """Who brings facts: the names of a website's API keys and of all access tokens, revoked ones included, and accounts, by id."""
    rows = [
        *tx.all(sql.key_names, (website_id,)),
        *tx.all(sql.token_names),
        *tx.all(account_sql.account_names),
    ]
    return {row[0]: row[1] for row in rows}


def note_used(tx: Transaction, calls: list[dict[bytes, int]]) -> list[None]:
    """Write handler: when keys and tokens were last used, in ms since epoch by their ids."""
    for used in calls:
        for credential_id, at in sorted(used.items()):
            if not tx.run(sql.key_used, (credential_id, at)):
                tx.run(sql.token_used, (credential_id, at))
    return [None] * len(calls)


USED_HANDLER = WriteHandler(rank=4, run=note_used, is_slow=True)


def _times(created_at: int, revoked_at: int | None, last_used_at: int | None) -> dict[str, Any]:
    times = {"createdAt": created_at, "revokedAt": revoked_at, "lastUsedAt": last_used_at}
    return {name: None if at is None else to_iso(at) for name, at in times.items()}
