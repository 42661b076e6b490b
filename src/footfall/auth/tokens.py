"""The format of API keys (`df_`) and access tokens (`dft_`). Pure; randomness is an argument.

A secret is a prefix, 32 random letters or digits and a checksum of 6, so that a mistyped or truncated one is recognized without a
look-up. Only its hash is stored.
"""

from __future__ import annotations

import hashlib
import zlib

KEY_PREFIX = "df_"
TOKEN_PREFIX = "dft_"  # noqa: S105 - the public prefix, no secret
BOT_PREFIX = "dfbot_"
"""Prefix of the token with which servers report crawls; it opens nothing else."""
SHARE_PREFIX = "dfs_"
"""Prefix of the secret of a shared link; it opens the overview of one website, and nothing else."""
_RANDOM = 32
_CHECK = 6
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def make_secret(prefix: str, random_text: str) -> str:
    """A complete secret from its prefix and 32 random letters or digits."""
    return prefix + random_text + _checksum(prefix + random_text)


def is_well_formed(secret: str) -> bool:
    """Whether `secret` has a known prefix, the right length and a matching checksum."""
    prefix = TOKEN_PREFIX if secret.startswith(TOKEN_PREFIX) else KEY_PREFIX
    if not secret.startswith(prefix) or len(secret) != len(prefix) + _RANDOM + _CHECK:
        return False
    return _checksum(secret[:-_CHECK]) == secret[-_CHECK:]


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a secret. (Stored.) A secret has 185 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).digest()


def display_key(secret: str) -> str:
    """A secret as it may be shown: `df_ab12...xyz9`."""
    prefix = secret.partition("_")[0] + "_"
    return f"{secret[: len(prefix) + 4]}...{secret[-4:]}"


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECK):
        number, digit = divmod(number, 36)
        digits += _DIGITS[digit]
    return digits
