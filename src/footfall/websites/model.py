"""A website: one tracked property. Nothing crosses from one website to another."""

from __future__ import annotations

import msgspec

MOST_LISTED = 100
"""Entries of one list of a website. Each event is checked against all of them; longer lists stored earlier still work."""
MAX_PATTERN = 200
"""Characters of an excluded path."""


class Exclusions(msgspec.Struct, frozen=True, omit_defaults=True):
    """Events to drop. Stored as JSON.

    `hostnames`: like allowed ones. `paths`: `*` stands for any text. `countries`: two-letter ISO 3166-1 codes. `ips`: addresses and
    networks such as `192.0.2.0/24`.
    """

    hostnames: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Changes to the website fields of the same names; None leaves a field as it is."""

    domain: str | None = None
    name: str | None = None
    timezone: str | None = None
    is_cookieless: bool | None = None
    is_suspended: bool | None = None
    is_localhost_allowed: bool | None = None
    allowed_hostnames: tuple[str, ...] | None = None
    exclusions: Exclusions | None = None
    is_signature_required: bool | None = None
    is_headless_allowed: bool | None = None
    is_image_allowed: bool | None = None
    is_public: bool | None = None
    currency: str | None = None


class Website(msgspec.Struct, frozen=True, kw_only=True):
    """`tracking_id` is in the pages; `profile_secret` (32 bytes) is never shown and never changes."""

    website_id: bytes
    tracking_id: str
    domain: str
    name: str
    timezone: str
    is_cookieless: bool
    is_suspended: bool
    is_localhost_allowed: bool
    allowed_hostnames: tuple[str, ...]
    exclusions: Exclusions
    profile_secret: bytes
    signing_secrets: tuple[str, ...]
    """Newest first; two while it is being rotated."""
    is_signature_required: bool
    """Whether identify calls from pages count only if they are signed."""
    is_headless_allowed: bool
    """Whether headless browsers, such as those in tests, count as visitors."""
    is_image_allowed: bool
    """Whether the dashboard shows people's images, which the browser loads from other sites."""
    created_at: int
    is_public: bool = False
    """Whether shared links show the overview to anybody."""
    currency: str = "USD"
    """The currency in which sums of payments are shown (ISO 4217)."""
    has_payments: bool = False
    """Whether any payment was ever recorded."""
