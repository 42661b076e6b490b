"""Websites on the wire, without their secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from footfall.clock import to_iso
from footfall.errors import BadRequest, FieldError
from footfall.hostnames import to_unicode
from footfall.websites.model import Changes, Exclusions, Website

_TEXTS = {"domain": "domain", "name": "name", "timezone": "timezone", "currency": "currency"}
_SWITCHES = {
    "isPublicDashboardEnabled": "is_public",
    "isCookieless": "is_cookieless",
    "isLocalhostAllowed": "is_localhost_allowed",
    "isSignatureRequired": "is_signature_required",
    "isHeadlessAllowed": "is_headless_allowed",
    "isImageAllowed": "is_image_allowed",
}
_LISTS = {"allowedHostnames": "allowed_hostnames"}
_EXCLUSIONS = {
    "excludedHostnames": "hostnames",
    "excludedPaths": "paths",
    "excludedCountries": "countries",
    "excludedIps": "ips",
}
SETTABLE = (*_TEXTS, *_SWITCHES, *_LISTS, *_EXCLUSIONS)
"""Fields that a call may set. There is none for being suspended: such a website refuses the call that would end it."""


class WebsiteCall(msgspec.Struct, frozen=True):
    """What a call sets on a website. `exclusions`: by list; a list that it does not name stays."""

    changes: Changes
    exclusions: Mapping[str, tuple[str, ...]]

    def changes_of(self, known: Exclusions) -> Changes:
        """All changes to a website with `known` exclusions, not cleaned yet."""
        merged = msgspec.structs.replace(known, **self.exclusions)
        return msgspec.structs.replace(self.changes, exclusions=merged)


def read_website_call(body: Mapping[str, Any]) -> WebsiteCall:
    """What a body sets on a website; null leaves a field as it is. Raises BadRequest."""
    said = {name: body[name] for name in SETTABLE if body.get(name) is not None}
    if not said:
        raise BadRequest(f"Name at least one of {', '.join(SETTABLE)}.")
    texts = {field: _text(said[name], name) for name, field in _TEXTS.items() if name in said}
    switches = {field: _switch(said[name], name) for name, field in _SWITCHES.items() if name in said}
    lists = {field: _list(said[name], name) for name, field in _LISTS.items() if name in said}
    exclusions = {field: _list(said[name], name) for name, field in _EXCLUSIONS.items() if name in said}
    return WebsiteCall(msgspec.convert({**texts, **switches, **lists}, Changes), exclusions)


def _text(value: object, name: str) -> str:
    if type(value) is not str:
        raise BadRequest(f"{name} must be a text.")
    return value


def _switch(value: object, name: str) -> bool:
    if type(value) is not bool:
        raise BadRequest(f"{name} must be true or false.")
    return value


def _list(value: object, name: str) -> tuple[str, ...]:
    if type(value) is not list or not all(type(item) is str for item in value):
        raise BadRequest(f"{name} must be a list of texts.")
    return tuple(item.strip() for item in value)


def field_message(error: FieldError) -> str:
    """What is wrong with a field, under its name on the wire."""
    name = re.sub(r"_(\w)", lambda found: found[1].upper(), error.field)
    return f"{name}: {error.message}."


def website_json(website: Website) -> dict[str, Any]:
    """A website with its settings, for commands."""
    return {"websiteId": website.website_id.hex(), **_told(website)}


def settings_json(website: Website) -> dict[str, Any]:
    """The same for administration."""
    return {**_ids(website), **_told(website)}


def listed_json(website: Website, role: str) -> dict[str, Any]:
    """A website in a list. `role`: that of the caller."""
    return {
        **_ids(website),
        "domain": to_unicode(website.domain),
        "name": website.name,
        "trackingId": website.tracking_id,
        "timezone": website.timezone,
        "currency": website.currency,
        "role": role,
    }


def _ids(website: Website) -> dict[str, Any]:
    return {"_id": website.website_id.hex(), "id": website.website_id.hex()}


def _told(website: Website) -> dict[str, Any]:
    return {
        "trackingId": website.tracking_id,
        "domain": to_unicode(website.domain),
        "name": website.name,
        "timezone": website.timezone,
        "currency": website.currency,
        "isCookieless": website.is_cookieless,
        "isSuspended": website.is_suspended,
        "isLocalhostAllowed": website.is_localhost_allowed,
        "allowedHostnames": list(map(to_unicode, website.allowed_hostnames)),
        "excludedHostnames": list(map(to_unicode, website.exclusions.hostnames)),
        "excludedPaths": list(website.exclusions.paths),
        "excludedCountries": list(website.exclusions.countries),
        "excludedIps": list(website.exclusions.ips),
        "isSignatureRequired": website.is_signature_required,
        "isHeadlessAllowed": website.is_headless_allowed,
        "isImageAllowed": website.is_image_allowed,
        "isPublicDashboardEnabled": website.is_public,
        "createdAt": to_iso(website.created_at),
    }
