"""Signatures of deliveries: made by the providers' own libraries where they have one, and by their documented HMAC elsewhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
import standardwebhooks
import stripe
from hypothesis import given
from hypothesis import strategies as st

from footfall.payments.providers import PROVIDERS
from footfall.payments.providers.model import SignatureProblem
from tests.unit.payments.providers.telling import NOW, SECONDS

BODY = '{"name":"Zoë","amount":1999}'
RAW = BODY.encode()
STANDARD_SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
SECRETS = {
    "stripe": "whsec_stripe",
    "lemonsqueezy": "lemons",
    "polar": STANDARD_SECRET,
    "paddle": "pdl_ntfset_1",
    "dodo": STANDARD_SECRET,
}
TIMED = ["stripe", "polar", "paddle", "dodo"]
MINUTES = 60


def sign(provider: str, secret: str, at: int = SECONDS) -> dict[str, str]:
    """Headers of a delivery of BODY, signed at `at` (s)."""
    if provider == "stripe":
        header = stripe.WebhookSignature.generate_signature_header(BODY, secret, timestamp=at)
        return {"stripe-signature": header}
    if provider == "paddle":
        return {"paddle-signature": f"ts={at};h1={hex_hmac(secret, f'{at}:{BODY}')}"}
    if provider == "lemonsqueezy":
        return {"x-signature": hex_hmac(secret, BODY)}
    signature = standardwebhooks.Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), BODY)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}


def hex_hmac(secret: str, content: str) -> str:
    return hmac.new(secret.encode(), content.encode(), hashlib.sha256).hexdigest()


def verify(
    provider: str, headers: dict[str, str], *, secret: str | None = None, raw: bytes = RAW, now: int = NOW
) -> SignatureProblem | None:
    return PROVIDERS[provider].verify(SECRETS[provider] if secret is None else secret, headers, raw, now)


def signature_header(headers: dict[str, str]) -> str:
    return next(name for name in headers if name.endswith("signature"))


@pytest.mark.parametrize("provider", SECRETS)
def test_a_delivery_that_the_provider_signed_is_believed(provider: str) -> None:
    assert verify(provider, sign(provider, SECRETS[provider])) is None


@pytest.mark.parametrize("provider", SECRETS)
def test_another_secret_is_refused(provider: str) -> None:
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    assert verify(provider, sign(provider, SECRETS[provider]), secret=other) == SignatureProblem.MISMATCH


@pytest.mark.parametrize("provider", SECRETS)
def test_a_body_of_which_one_byte_changed_is_refused(provider: str) -> None:
    changed = RAW.replace(b"1999", b"1998")
    assert verify(provider, sign(provider, SECRETS[provider]), raw=changed) == SignatureProblem.MISMATCH


@pytest.mark.parametrize("provider", SECRETS)
def test_without_its_header_a_delivery_is_refused(provider: str) -> None:
    assert verify(provider, {}) == SignatureProblem.NO_SIGNATURE


@pytest.mark.parametrize("provider", SECRETS)
@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_an_empty_secret_believes_nobody(provider: str, secret: str) -> None:
    headers = sign(provider, SECRETS[provider])
    expected = (
        SignatureProblem.MISMATCH
        if secret and provider in ("stripe", "paddle", "lemonsqueezy")
        else SignatureProblem.UNUSABLE
    )
    assert verify(provider, headers, secret=secret) == expected


def test_a_secret_that_is_not_base64_is_unusable_for_dodo() -> None:
    assert verify("dodo", sign("dodo", SECRETS["dodo"]), secret="whsec_ä!") == SignatureProblem.UNUSABLE


@pytest.mark.parametrize("provider", TIMED)
@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (5 * MINUTES, None),
        (5 * MINUTES + 1, SignatureProblem.TOO_OLD),
        (24 * 60 * MINUTES, SignatureProblem.TOO_OLD),
        (-5 * MINUTES, None),
        (-5 * MINUTES - 1, SignatureProblem.TOO_NEW),
    ],
)
def test_a_signature_lives_for_5_minutes_in_both_directions(
    provider: str, age: int, expected: SignatureProblem | None
) -> None:
    assert verify(provider, sign(provider, SECRETS[provider]), now=NOW + age * 1000) == expected


@pytest.mark.parametrize("provider", TIMED)
def test_an_old_forgery_is_called_a_forgery(provider: str) -> None:
    headers = sign(provider, SECRETS[provider])
    assert verify(provider, headers, raw=b"{}", now=NOW + 86_400_000) == SignatureProblem.MISMATCH


@pytest.mark.parametrize("provider", TIMED)
def test_the_time_cannot_be_changed_without_the_signature(provider: str) -> None:
    headers = {
        name: value.replace(str(SECONDS), str(SECONDS + 1))
        for name, value in sign(provider, SECRETS[provider]).items()
    }
    assert verify(provider, headers) == SignatureProblem.MISMATCH


def test_while_a_secret_is_rotated_either_signature_is_enough() -> None:
    old, new = (
        sign("stripe", "whsec_old")["stripe-signature"],
        sign("stripe", SECRETS["stripe"])["stripe-signature"],
    )
    both = f"{old},{new.partition(',')[2]}"
    assert verify("stripe", {"stripe-signature": both}) is None
    old, new = (
        sign("paddle", "old")["paddle-signature"],
        sign("paddle", SECRETS["paddle"])["paddle-signature"],
    )
    assert verify("paddle", {"paddle-signature": f"{old};{new.partition(';')[2]}"}) is None


@pytest.mark.parametrize("provider", ["polar", "dodo"])
@pytest.mark.parametrize("separator", [" ", ", "])
def test_one_of_several_standard_signatures_is_enough(provider: str, separator: str) -> None:
    headers = sign(provider, SECRETS[provider])
    other = sign(provider, "whsec_" + base64.b64encode(b"old").decode())["webhook-signature"]
    headers["webhook-signature"] = separator.join([other, "v1a,ed25519", headers["webhook-signature"]])
    assert verify(provider, headers) is None


@pytest.mark.parametrize("provider", TIMED)
def test_a_signature_of_an_unknown_version_is_none(provider: str) -> None:
    headers = sign(provider, SECRETS[provider])
    name = signature_header(headers)
    headers[name] = headers[name].replace("v1", "v0").replace("h1", "h0")
    assert verify(provider, headers) == SignatureProblem.UNKNOWN_VERSION


@pytest.mark.parametrize("time", ["", "soon", "-1", "1e9", "٣", "9" * 13, "1.5"])
@pytest.mark.parametrize("provider", ["stripe", "paddle"])
def test_a_time_that_is_none_is_malformed(provider: str, time: str) -> None:
    headers = {
        name: value.replace(str(SECONDS), time) for name, value in sign(provider, SECRETS[provider]).items()
    }
    assert verify(provider, headers) == SignatureProblem.MALFORMED


def test_polars_older_secrets_sign_as_they_are_written() -> None:
    secret = "polar_whs_0aKd!"
    headers = sign("polar", base64.b64encode(secret.encode()).decode())
    assert verify("polar", headers, secret=secret) is None
    prefixed = "whsec_" + "a" * 43
    headers = sign("polar", base64.b64encode(prefixed.encode()).decode())
    assert verify("polar", headers, secret=prefixed) is None


def test_stripes_library_believes_what_we_believe() -> None:
    header = sign("stripe", SECRETS["stripe"], SECONDS)["stripe-signature"]
    assert stripe.WebhookSignature.verify_header(BODY, header, SECRETS["stripe"], tolerance=None)
    assert verify("stripe", {"stripe-signature": header}) is None


@given(st.sampled_from(sorted(SECRETS)), st.text(), st.text(), st.text(), st.binary())
def test_whatever_stands_in_the_headers_is_a_problem_and_no_exception(
    provider: str, one: str, two: str, three: str, raw: bytes
) -> None:
    headers = {
        "stripe-signature": f"t={SECONDS},v1={one},{two}",
        "paddle-signature": f"ts={SECONDS};h1={one};{two}",
        "x-signature": one,
        "webhook-id": one or "id",
        "webhook-timestamp": three or str(SECONDS),
        "webhook-signature": f"v1,{two} {one}",
    }
    assert isinstance(verify(provider, headers, raw=raw), SignatureProblem)
    scrambled = {name: three + value + two for name, value in headers.items()}
    assert isinstance(verify(provider, scrambled, raw=raw), SignatureProblem)


@given(st.sampled_from(sorted(SECRETS)), st.text())
def test_whatever_the_secret_is_there_is_no_exception(provider: str, secret: str) -> None:
    assert verify(provider, sign(provider, SECRETS[provider]), secret=secret + "!") is not None
