"""What a credential may do. On the wire, a scope is a permission. Pure.

The names are those of the DataFast API; `profiles:erase` and `profiles:export` are Footfall's own.
"""

from __future__ import annotations

from collections.abc import Iterable

SCOPES: dict[str, str] = {
    "analytics:read": "Read visitors, profiles and analytics.",
    "goals:read": "Read goals.",
    "goals:write": "Record and delete goals.",
    "payments:read": "Read payments.",
    "payments:write": "Record and delete payments.",
    "identify:write": "Say which user a visitor is.",
    "profiles:erase": "Erase a person.",
    "profiles:export": "Export all that is held about a person.",
    "websites:read": "List websites.",
    "websites:write": "Create websites.",
    "settings:read": "Read a website's settings.",
    "settings:write": "Change a website's settings.",
    "funnels:read": "Read funnels.",
    "funnels:write": "Change funnels.",
    "notes:read": "Read notes.",
    "notes:write": "Change notes.",
    "alerts:read": "Read alerts.",
    "alerts:write": "Change alerts.",
    "team:read": "Read the team.",
    "team:write": "Change the team.",
    "api-keys:read": "List API keys and access tokens.",
    "api-keys:write": "Create and revoke API keys and access tokens.",
}
"""Each scope and what it allows."""

ALL = "*"


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    """Those of `scopes` that do not exist."""
    return sorted(scope for scope in scopes if scope not in SCOPES and scope != ALL)
