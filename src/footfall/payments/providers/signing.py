"""Signatures of webhooks, in the three forms that providers use; all are HMAC-SHA-256. Pure.

Names of headers are in lower case. A header that arrived on several lines has its values joined by commas. Times are in ms since epoch.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping

from footfall.payments.providers.model import SignatureProblem

MAX_AGE_MS = 300_000
_PREFIX = "whsec_"


def verify_timed(
    secret: str,
    header: str | None,
    body: bytes,
    now: int,
    *,
    names: tuple[str, str],
    separators: tuple[str, str],
) -> SignatureProblem | None:
    """A header with a time and signatures in hex, such as `t=1,v1=ab,v1=cd`; the signature covers time and body.

    `names`: of time and signature; `separators`: between the header's parts, and between time and body.
    """
    if not secret:
        return SignatureProblem.UNUSABLE
    if not header:
        return SignatureProblem.NO_SIGNATURE
    parts = [part.strip().partition("=") for part in header.replace(",", separators[0]).split(separators[0])]
    times = [value for name, _, value in parts if name == names[0]]
    signed_at = _read_seconds(times[0]) if times else None
    if signed_at is None:
        return SignatureProblem.MALFORMED
    signatures = [value for name, _, value in parts if name == names[1]]
    expected = _hex(secret, f"{times[0]}{separators[1]}".encode() + body)
    return _match(signatures, [expected]) or _check_age(signed_at, now)


def verify_plain(secret: str, header: str | None, body: bytes) -> SignatureProblem | None:
    """A header that is the signature of the body in hex. It has no time, so its age is unknown."""
    if not secret:
        return SignatureProblem.UNUSABLE
    return _match([header.strip()], [_hex(secret, body)]) if header else SignatureProblem.NO_SIGNATURE


def verify_standard(
    keys: list[bytes], headers: Mapping[str, str], body: bytes, now: int
) -> SignatureProblem | None:
    """The form of standardwebhooks.com: id, time and signatures in three headers. Any of `keys` may have signed."""
    if not keys:
        return SignatureProblem.UNUSABLE
    message_id, time = headers.get("webhook-id"), headers.get("webhook-timestamp")
    header = headers.get("webhook-signature")
    if not message_id or not time or not header:
        return SignatureProblem.NO_SIGNATURE
    signed_at = _read_seconds(time)
    if signed_at is None:
        return SignatureProblem.MALFORMED
    content = _bytes(f"{message_id}.{time}.") + body
    parts = [part.partition(",") for part in header.replace(", ", " ").split()]
    signatures = [signature for version, _, signature in parts if version == "v1"]
    return _match(signatures, [_base64(key, content) for key in keys]) or _check_age(signed_at, now)


def standard_keys(secret: str) -> list[bytes]:
    """The key in a secret of standardwebhooks.com: base64, with or without a leading `whsec_`; none if it does not have that form."""
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return []
    return [key] if key else []


def literal_keys(secret: str) -> list[bytes]:
    """The keys of a provider that signs with the secret as written."""
    return [_bytes(secret), _bytes(secret.removeprefix(_PREFIX))] if secret.removeprefix(_PREFIX) else []


def _match(signatures: Iterable[str], expected: list[bytes]) -> SignatureProblem | None:
    given = [_bytes(signature) for signature in signatures]
    if not given:
        return SignatureProblem.UNKNOWN_VERSION
    found = [hmac.compare_digest(one, other) for one in given for other in expected]
    return None if any(found) else SignatureProblem.MISMATCH


def _check_age(signed_at: int, now: int) -> SignatureProblem | None:
    if signed_at < now - MAX_AGE_MS:
        return SignatureProblem.TOO_OLD
    return SignatureProblem.TOO_NEW if signed_at > now + MAX_AGE_MS else None


def _read_seconds(text: str) -> int | None:
    """Seconds since epoch, in ms; None for anything that is not such a number."""
    return int(text) * 1000 if text.isascii() and text.isdigit() and len(text) <= 12 else None


def _hex(secret: str, content: bytes) -> bytes:
    return hmac.digest(_bytes(secret), content, "sha256").hex().encode()


def _base64(key: bytes, content: bytes) -> bytes:
    return base64.b64encode(hmac.digest(key, content, "sha256"))


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
