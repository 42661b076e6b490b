"""API keys and access tokens in the database."""

from __future__ import annotations

import msgspec

from footfall.accounts.accounts import sql as account_sql
from footfall.auth import tokens
from footfall.auth.model import AccessToken, ApiKey, NewKey, NewToken
from footfall.auth.principal import Principal
from footfall.auth.scopes import ALL, unknown_scopes
from footfall.db.protocol import Transaction, WriteHandler
from footfall.db.statements import load
from footfall.errors import FieldError
from footfall.ids import new_object_id, random_text
from footfall.labels import clean_label

sql = load(__file__, "auth.sql")


def read_principals(tx: Transaction) -> dict[bytes, Principal]:
    """Every key and token that is not revoked, by the hash of its secret."""
    everything, nowhere_else = frozenset((ALL,)), frozenset[bytes]()
    keys = {
        row.secret_hash: Principal(row.api_key_id, row.name, row.website_id, everything, nowhere_else)
        for row in tx.all(sql.keys_all)
    }
    of_tokens = {
        row.secret_hash: Principal(
            row.token_id, row.name, None, frozenset(_scopes(row.scopes)), frozenset(_ids(row.website_ids))
        )
        for row in tx.all(sql.tokens_all)
    }
    return keys | of_tokens


def new_key(website_id: bytes, name: str, now: int) -> NewKey:
    """A new API key of a website, not stored yet. Raises FieldError for its name."""
    name, secret = clean_label(name, "name"), tokens.make_secret(tokens.KEY_PREFIX, random_text(32))
    return NewKey(ApiKey(new_object_id(), website_id, name, tokens.display_key(secret), now), secret)


def add_key(tx: Transaction, new: NewKey) -> None:
    """Store a new API key."""
    key, secret_hash = new.key, tokens.hash_secret(new.secret)
    tx.execute(
        sql.key_add, (key.website_id, key.api_key_id, key.name, key.display_key, secret_hash, key.created_at)
    )


def create_key(tx: Transaction, website_id: bytes, name: str, now: int) -> NewKey:
    """A new API key, stored at once. Raises FieldError for its name."""
    new = new_key(website_id, name, now)
    add_key(tx, new)
    return new


def list_keys(tx: Transaction, website_id: bytes) -> list[ApiKey]:
    """A website's API keys, oldest first."""
    return [
        ApiKey(
            api_key_id=row.api_key_id,
            website_id=website_id,
            name=row.name,
            display_key=row.display_key,
            created_at=row.created_at,
            revoked_at=row.revoked_at,
            last_used_at=row.last_used_at,
        )
        for row in tx.all(sql.keys_of_website, (website_id,))
    ]


def revoke_key(tx: Transaction, key_id: bytes, now: int) -> bool:
    """Whether there was such a key to revoke."""
    return tx.execute(sql.key_revoke, (key_id, now)) > 0


def new_token(name: str, scopes: list[str], website_ids: list[bytes], now: int) -> NewToken:
    """A new access token, not stored yet. Raises FieldError for its name or permissions."""
    name = clean_label(name, "name")
    if unknown := unknown_scopes(scopes):
        raise FieldError("permissions", f"{', '.join(unknown)[:200]} unknown")
    if not scopes:
        raise FieldError("permissions", "name at least one")
    secret = tokens.make_secret(tokens.TOKEN_PREFIX, random_text(32))
    token = AccessToken(
        token_id=new_object_id(),
        name=name,
        display_key=tokens.display_key(secret),
        scopes=tuple(dict.fromkeys(scopes)),
        website_ids=tuple(dict.fromkeys(website_ids)),
        created_at=now,
    )
    return NewToken(token, secret)


def add_token(tx: Transaction, new: NewToken) -> None:
    """Store a new access token."""
    token = new.token
    tx.execute(
        sql.token_add,
        (
            token.token_id,
            token.name,
            token.display_key,
            tokens.hash_secret(new.secret),
            msgspec.json.encode(token.scopes).decode(),
            msgspec.json.encode([website_id.hex() for website_id in token.website_ids]).decode(),
            token.created_at,
        ),
    )


def create_token(
    tx: Transaction, name: str, scopes: list[str], website_ids: list[bytes], now: int
) -> NewToken:
    """A new access token, stored at once. Raises FieldError for its name or permissions."""
    new = new_token(name, scopes, website_ids, now)
    add_token(tx, new)
    return new


def list_tokens(tx: Transaction) -> list[AccessToken]:
    """All access tokens, oldest first."""
    return [
        AccessToken(
            token_id=row.token_id,
            name=row.name,
            display_key=row.display_key,
            scopes=_scopes(row.scopes),
            website_ids=_ids(row.website_ids),
            created_at=row.created_at,
            revoked_at=row.revoked_at,
            last_used_at=row.last_used_at,
        )
        for row in tx.all(sql.tokens_list)
    ]


def _scopes(stored: str) -> tuple[str, ...]:
    return msgspec.json.decode(stored, type=tuple[str, ...])


def _ids(stored: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(text) for text in msgspec.json.decode(stored, type=list[str]))


def revoke_token(tx: Transaction, token_id: bytes, now: int) -> bool:
    """Whether there was such a token to revoke."""
    return tx.execute(sql.token_revoke, (token_id, now)) > 0


def key_names(tx: Transaction, website_id: bytes) -> dict[bytes, str | None]:
    """The names of everyone who creates facts, by id: a website's API keys and all access tokens, including revoked ones, and accounts."""
    keys = {row.api_key_id: row.name for row in tx.all(sql.key_names, (website_id,))}
    of_tokens = {row.token_id: row.name for row in tx.all(sql.token_names)}
    accounts = {row.account_id: row.email for row in tx.all(account_sql.account_names)}
    return keys | of_tokens | accounts


def note_used(tx: Transaction, calls: list[dict[bytes, int]]) -> list[None]:
    """Write handler: when keys and tokens were last used, in ms since epoch, by their ids."""
    for used in calls:
        for credential_id, at in sorted(used.items()):
            if not tx.execute(sql.key_used, (credential_id, at)):
                tx.execute(sql.token_used, (credential_id, at))
    return [None] * len(calls)


USED_HANDLER = WriteHandler(rank=4, run=note_used, is_slow=True)
