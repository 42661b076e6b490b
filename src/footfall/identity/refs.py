"""How a person is named in a path: a profile id, or `user:` and a user id."""

from __future__ import annotations

from footfall.db.protocol import Transaction
from footfall.errors import BadRequest, NotFound
from footfall.identity.fold import id_of_user, standing_profile
from footfall.identity.store import Profile
from footfall.ids import parse_object_id
from footfall.websites.model import Website

Ref = bytes | str
"""The id of a profile (12 bytes), or a user id."""


def read_ref(text: str) -> Ref:
    """A reference from its decoded path segment. Raises BadRequest."""
    if "\0" in text:
        raise BadRequest("The reference in the path holds the character U+0000, which no user id has.")
    if text.startswith("user:") and len(text) > len("user:"):
        return text.removeprefix("user:")
    profile_id = parse_object_id(text)
    if profile_id is None:
        raise BadRequest(
            "A reference to a person must be a profileId of 24 hex digits, or user: and the user id."
        )
    return profile_id


def resolve_profile(tx: Transaction, website: Website, ref: Ref) -> bytes:
    """The id of the profile that a reference names, before any merge, whether or not there is one."""
    return ref if isinstance(ref, bytes) else id_of_user(tx, website.website_id, website.profile_secret, ref)


def find_profile(tx: Transaction, website: Website, ref: Ref) -> Profile | None:
    """The profile that a reference names; when no fact about it counts, one that it is merged with. None when there is none."""
    return standing_profile(tx, website.website_id, resolve_profile(tx, website, ref))


def no_such_person() -> NotFound:
    """The error for a reference that names nobody."""
    return NotFound("There is no such person in this website: check the profileId or user id in the path.")
