"""Signatures by which a page's identify call becomes as good as a server's. Pure.

The customer's backend computes the signature with the website's signing secret and hands it to the page, which sends it as `user_hash`.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable


def sign_user(secret: str, user_id: str) -> str:
    """HMAC-SHA-256 over `user_hash`, the length of the user id in UTF-8 bytes, a colon and the user id; 64 hex digits.

    `secret` is the signing secret as it is shown, a text. (Also computed by customers: never change it.)
    """
    raw = user_id.encode()
    return hmac.digest(secret.encode(), b"user_hash%d:%b" % (len(raw), raw), "sha256").hex()


def is_signed(secrets: Iterable[str], user_id: str, user_hash: object) -> bool:
    """Whether `user_hash` is the signature of `user_id` under any of `secrets` (two are valid while one is rotated)."""
    if type(user_hash) is not str or not user_hash.isascii():
        return False
    given = user_hash.lower()
    return any(hmac.compare_digest(sign_user(secret, user_id), given) for secret in secrets)
