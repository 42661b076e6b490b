"""The words of identity: facts, what they do to traits, and what follows from them. Pure."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from footfall.ids import MAX_AT, at_of

SERVER, BROWSER, IMPORT = "server", "browser", "import"
"""Where a fact came from (stored)."""

IDENTIFY, MERGE, UNDO = "identify", "merge", "undo"
"""The kinds of facts (stored and hashed): a visitor was a user, two users are one person, a fact does not count."""

TraitValues = dict[str, Any]
"""The values of a person's traits by name: a JSON object, whatever a website keeps in it."""


class Operations(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one identify call does to the traits; stored as JSON in the fact. No key stands in two of them."""

    set: TraitValues = {}
    set_once: TraitValues = {}
    unset: tuple[str, ...] = ()


class Fact(msgspec.Struct, frozen=True):
    """One entry of the ledger. The fact id begins with its `at`, so facts sort by (at, id) when sorted by id."""

    fact_id: bytes
    kind: str
    profile_id: bytes
    """The profile of `user_id`, before any merge."""
    user_id: str
    visitor_id: bytes
    received_at: int
    source: str
    is_trusted: bool
    actor_id: bytes | None
    operations: Operations


class Merge(msgspec.Struct, frozen=True):
    """A fact that two profiles are one person."""

    fact_id: bytes
    profile_id: bytes
    other_id: bytes


class Undo(msgspec.Struct, frozen=True):
    """A fact that another does not count."""

    fact_id: bytes
    target_id: bytes


class Traits(msgspec.Struct):
    """The traits of a person as the facts so far give them.

    `untrusted` are the fields that only unsigned browser calls decided, newest first: of them a profile holds few. `gone` are the keys
    without a value that a trusted call decided. Both say whom later calls have to reckon with. `left_out` are the keys for which there is
    no room: those of `untrusted` beside the fields of trusted calls, and older trusted ones of a merged person.
    """

    values: TraitValues
    untrusted: TraitValues
    gone: set[str]
    left_out: set[str] = set()


class Link(msgspec.Struct, frozen=True):
    """From the time of this fact on, the visitor's events belong to `profile_id` (None: to nobody, an erased user)."""

    fact_id: bytes
    profile_id: bytes | None


class Warn(msgspec.Struct, frozen=True):
    """Something in an accepted call that was not taken as it was sent."""

    code: str
    field: str
    message: str


class Span(msgspec.Struct, frozen=True):
    """A time for which a visitor was a user: from one of its links to the next, `next_id`; None: until now.

    `is_first`: no link comes before, so that the visitor was the user from its beginning; `before`: whose it was until then, if known.
    """

    fact_id: bytes
    profile_id: bytes
    is_first: bool
    before: bytes | None
    next_id: bytes | None

    @property
    def since(self) -> int:
        """The first ms (since epoch) of it."""
        return 0 if self.is_first else at_of(self.fact_id)

    @property
    def until(self) -> int:
        """The first ms (since epoch) after it; MAX_AT: it goes on."""
        return MAX_AT if self.next_id is None else at_of(self.next_id)


Spans = dict[bytes, list[Span]]
"""The spans of a person by visitor, oldest first."""


class Stay(msgspec.Struct, frozen=True):
    """A time for which a visitor was a person, in ms since epoch. `since` None: from its beginning; `until` None: until now."""

    since: int | None
    until: int | None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person: the profiles that are one, what is known, and when which visitors were this person."""

    person_id: bytes
    members: dict[bytes, str]
    """User id by profile id, first identified first."""
    traits: TraitValues
    spans: Spans
    identified_at: int

    @property
    def user_ids(self) -> list[str]:
        """All user ids, first identified first."""
        return list(self.members.values())

    @property
    def user_id(self) -> str:
        """The user id that was identified first."""
        return next(iter(self.members.values()))


class PersonThen(Person, frozen=True, kw_only=True):
    """A person as of a time, with the facts that make them so, oldest first."""

    facts: list[Fact]


class KnownPerson(msgspec.Struct, frozen=True):
    """A person in short. `metadata`: the traits, as the JSON that is stored."""

    profile_id: bytes
    user_id: str
    identified_at: int
    metadata: str

    @property
    def traits(self) -> TraitValues:
        """The same by name."""
        return cast(TraitValues, msgspec.json.decode(self.metadata))


class Origin(msgspec.Struct, frozen=True):
    """Where something comes from: a fact and who brought it. `key_name`: the key, token or account; None for a page."""

    fact_id: bytes
    source: str
    is_trusted: bool
    key_name: str | None

    @property
    def at(self) -> int:
        """From when on it counts (ms since epoch)."""
        return at_of(self.fact_id)


class TraitReason(msgspec.Struct, frozen=True):
    """Why a trait has its value. `replaced`: the value before, None when there was none."""

    value: Any
    origin: Origin
    replaced: Any


class LinkReason(msgspec.Struct, frozen=True):
    """Why a visitor was a user. `replaced`: the profile that it was before, if known."""

    visitor_id: bytes
    user_id: str
    origin: Origin
    replaced: bytes | None


class Explanation(msgspec.Struct, frozen=True):
    """Why a person is what they are: each trait by name, and the links of their visitors."""

    traits: dict[str, TraitReason]
    links: list[LinkReason]


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A fact of any kind, with who brought it and whether it counts. `key_name`: as in Origin.

    An identify fact has `visitor_id` and `operations`, a merge the two profiles in `merged`, an undo the fact in `undone`.
    """

    fact_id: bytes
    kind: str
    profile_id: bytes
    user_id: str
    received_at: int
    source: str
    is_trusted: bool
    key_name: str | None
    is_active: bool
    visitor_id: bytes | None = None
    operations: Operations = Operations()
    merged: tuple[bytes, ...] = ()
    undone: bytes = b""
    reason: str | None = None

    @property
    def at(self) -> int:
        """From when on it counts (ms since epoch)."""
        return at_of(self.fact_id)


class MergePreview(msgspec.Struct, frozen=True):
    """What a merge would come to. `left_out`: keys of traits for which the person would have no room."""

    person_id: bytes
    user_ids: list[str]
    visitor_count: int
    traits: TraitValues
    left_out: list[str]


class Named(msgspec.Struct, frozen=True):
    """Somebody as a finding names them. `name`, `email`: the traits of these names, whatever values they have."""

    profile_id: bytes
    user_id: str
    name: Any
    email: Any


class SharedVisitor(msgspec.Struct, frozen=True):
    """A visitor that was several people. `people`: how many; `who`: the first of them."""

    visitor_id: bytes
    people: int
    who: list[Named]


class ManyVisitors(msgspec.Struct, frozen=True):
    """A person with very many visitors."""

    visitors: int
    who: Named


class Twins(msgspec.Struct, frozen=True):
    """People who may be one: each by profile id and one of their user ids; the first of them; what a merge of the first two comes to.

    `email`: the address that they share; None when their user ids differ in case only.
    """

    people: list[tuple[bytes, str]]
    who: list[Named]
    preview: MergePreview
    email: str | None = None


class JunkCalls(msgspec.Struct, frozen=True):
    """Calls of one UTC day that were refused, since their user id was a placeholder. `at`: the day's beginning (ms since epoch)."""

    at: int
    source: str
    calls: int


class FutureFact(msgspec.Struct, frozen=True):
    """A fact that lies in the future."""

    fact_id: bytes
    user_id: str

    @property
    def at(self) -> int:
        """From when on it counts (ms since epoch)."""
        return at_of(self.fact_id)


Example = SharedVisitor | ManyVisitors | Twins | JunkCalls | FutureFact


class Finding(msgspec.Struct, frozen=True):
    """Something that looks wrong in a website's identities: how often, the first examples of it, and what to do about it."""

    kind: str
    count: int
    examples: list[Example]
    advice: str
