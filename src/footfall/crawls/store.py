"""Crawls and their tokens in the database."""

from __future__ import annotations

import hmac

import msgspec

from footfall.auth.tokens import BOT_PREFIX, display_key, hash_secret, make_secret
from footfall.crawls.model import AI_CRAWLER, BotToken, Crawl
from footfall.db.protocol import Params, Transaction, WriteHandler
from footfall.db.statements import load
from footfall.errors import Conflict, NotFound
from footfall.ids import random_text

sql = load(__file__, "crawls.sql")

MOST_A_DAY = 2000
"""Rows per website and day, because anybody may report crawls of any page. Anything beyond that is counted together."""
_REST = ("Other", AI_CRAWLER, "")
_NONE_THERE = "There is no bot traffic token: make one with POST."


def record_crawls(tx: Transaction, crawls: list[Crawl]) -> list[None]:
    """Write handler: count crawls."""
    wanted: dict[Params, int] = {}
    for one in crawls:
        said = (one.website_id, one.day, one.crawler.name, one.crawler.category, one.page)
        wanted[said] = wanted.get(said, 0) + 1
    keys = sorted(wanted)
    found = tx.get_many(sql.crawl_get, keys)
    counted: dict[Params, int] = {}
    room: dict[Params, int] = {}
    for key, row in zip(keys, found, strict=True):
        kept: Params = key if row is not None or _has_room(tx, room, key[:2]) else (*key[:2], *_REST)
        counted[kept] = counted.get(kept, 0) + wanted[key]
    tx.execute_many(sql.crawl_add, [(*key, hits) for key, hits in sorted(counted.items())])
    return [None] * len(crawls)


def _has_room(tx: Transaction, room: dict[Params, int], day: Params) -> bool:
    """Whether a website and day may have one more row; if so, it is counted as used."""
    if day not in room:
        row = tx.one(sql.crawls_count, day)
        room[day] = MOST_A_DAY - (row.count if row else 0)
    room[day] -= 1
    return room[day] >= 0


CRAWL_HANDLER = WriteHandler(
    rank=2,
    run=record_crawls,
    locks=lambda crawls: list({(one.website_id, b"crawls"): None for one in crawls}),
)


class NewBotToken(msgspec.Struct, frozen=True):
    """A token with its secret, which is known only this once."""

    token: BotToken
    secret: str


def may_tell(tx: Transaction, asked: tuple[bytes, str]) -> bool:
    """Whether the bearer of a secret may report crawls of a website (website id, secret): with its token, or if it has none."""
    website_id, secret = asked
    row = tx.one(sql.token_get, (website_id,))
    return row is None or hmac.compare_digest(row.token_hash, hash_secret(secret))


def read_token(tx: Transaction, website_id: bytes) -> BotToken | None:
    """The token of a website."""
    row = tx.one(sql.token_get, (website_id,))
    return BotToken(row.display_key, row.created_at) if row else None


def create_token(tx: Transaction, website_id: bytes, now: int) -> NewBotToken | Conflict:
    """Create the token of a website that has none."""
    _lock(tx, website_id)
    if read_token(tx, website_id):
        return Conflict("There is a bot traffic token: replace it with PUT.")
    return _put(tx, website_id, now)


def replace_token(tx: Transaction, website_id: bytes, now: int) -> NewBotToken | NotFound:
    """Replace the token by a new one. The old one stops working."""
    _lock(tx, website_id)
    return _put(tx, website_id, now) if tx.execute(sql.token_remove, (website_id,)) else NotFound(_NONE_THERE)


def remove_token(tx: Transaction, website_id: bytes) -> NotFound | None:
    """Let anybody report crawls again."""
    return None if tx.execute(sql.token_remove, (website_id,)) else NotFound(_NONE_THERE)


def _lock(tx: Transaction, website_id: bytes) -> None:
    tx.lock([(website_id, b"bot token")])


def _put(tx: Transaction, website_id: bytes, now: int) -> NewBotToken:
    secret = make_secret(BOT_PREFIX, random_text(32))
    token = BotToken(display_key(secret), now)
    tx.execute(sql.token_add, (website_id, hash_secret(secret), token.display_key, now))
    return NewBotToken(token, secret)
