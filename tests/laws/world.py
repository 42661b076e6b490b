"""A small world of facts that collide: three visitors, three users, two keys, times 0 to 9."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from footfall.db.copying import tables
from footfall.db.protocol import Transaction
from footfall.db.statements import make_statement
from footfall.identity.identify.model import Identified, IdentifyCall
from footfall.identity.identify.service import identify
from footfall.identity.identify.wire import Identify
from footfall.identity.ledger.merge import MergeCall, merge
from footfall.identity.ledger.undo import UndoCall, undo
from footfall.identity.model import BROWSER, SERVER, Operations
from footfall.websites.model import Exclusions, Website
from footfall.websites.store import put_website

START = 1_000
NOW = START + 60_000
KEY = b"k" * 12
VISITORS = tuple(
    bytes([number + 1]) * 6 + b"\x40" + bytes([number + 1]) + b"\x80" + bytes(7) for number in range(3)
)
USERS = ("ann", "bob", "Bob")
WEBSITE = Website(
    website_id=b"w" * 12,
    tracking_id="dfid_law",
    domain="law.example",
    name="Law",
    timezone="UTC",
    is_cookieless=False,
    is_suspended=False,
    is_localhost_allowed=False,
    allowed_hostnames=(),
    exclusions=Exclusions(),
    profile_secret=b"s" * 32,
    signing_secrets=("secret",),
    is_signature_required=False,
    is_headless_allowed=False,
    is_image_allowed=False,
    created_at=0,
)
_DEVICE = '{"device":{"browser":null,"browser_version":null,"os":null,"os_version":null,"type":null,"vendor":null,"model":null}}'
_SEE = make_statement(
    "see",
    "website_id bytes, visitor_id bytes, device text",
    "INSERT INTO visitor (website_id, visitor_id, first_seen_at, last_seen_at, session_started_at, session_count, pageview_count, device)"
    " VALUES (:website_id, :visitor_id, 0, 0, 0, 1, 1, :device)",
)


class Said(msgspec.Struct, frozen=True):
    """One identify fact of the small world."""

    visitor: int
    user: str
    at: int
    operations: Operations
    is_trusted: bool

    def call(self) -> IdentifyCall:
        """As the handler gets it."""
        said = Identify(self.user, VISITORS[self.visitor], self.operations, START + self.at, [])
        source, key = (SERVER, KEY) if self.is_trusted else (BROWSER, None)
        return IdentifyCall(
            WEBSITE.website_id, WEBSITE.profile_secret, said, source, self.is_trusted, key, NOW
        )


@st.composite
def operations(draw: st.DrawFn) -> Operations:
    """What a fact does to the two keys; each in one operation at most."""
    sets: dict[str, Any] = {}
    once: dict[str, Any] = {}
    unset: list[str] = []
    for key in ("plan", "seats"):
        kind = draw(st.sampled_from(["nothing", "set", "once", "unset"]))
        value = draw(st.sampled_from([1, 2, True, "x"]))
        if kind == "set":
            sets[key] = value
        elif kind == "once":
            once[key] = value
        elif kind == "unset":
            unset.append(key)
    return Operations(sets, once, tuple(unset))


facts = st.builds(
    Said,
    visitor=st.integers(0, 2),
    user=st.sampled_from(USERS),
    at=st.integers(0, 9),
    operations=operations(),
    is_trusted=st.booleans(),
)


def prepare(tx: Transaction) -> None:
    """The website and its visitors."""
    put_website(tx, WEBSITE)
    tx.execute_many(_SEE, [(WEBSITE.website_id, visitor, _DEVICE) for visitor in VISITORS])


def deliver(tx: Transaction, said: Sequence[Said]) -> list[Identified]:
    """Hand facts to the handler, as one batch."""
    outcomes = identify(tx, [one.call() for one in said])
    assert all(isinstance(outcome, Identified) for outcome in outcomes), outcomes
    return outcomes  # type: ignore[return-value]


def join(tx: Transaction, first: str, second: str) -> object:
    """Merge two users."""
    return merge(
        tx, [MergeCall(WEBSITE.website_id, WEBSITE.profile_secret, (first, second), None, KEY, NOW)]
    )[0]


def take_back(tx: Transaction, fact_id: bytes) -> object:
    """Undo a fact."""
    return undo(tx, [UndoCall(WEBSITE.website_id, WEBSITE.profile_secret, fact_id, None, KEY, NOW)])[0]


def state(tx: Transaction) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that identity keeps besides the ledger, in the order of its keys."""
    kept: dict[str, list[tuple[Any, ...]]] = {}
    for table in tables():
        if table.name in ("link", "profile"):
            columns = ", ".join(name for name, _ in table.columns)
            order = ", ".join(name for name, _ in table.key)
            text = f"SELECT {columns} FROM {table.name} WHERE website_id = :website_id ORDER BY {order}"
            declared = ", ".join(f"{name} {kind}?" for name, kind in table.columns)
            statement = make_statement(f"law_{table.name}", "website_id bytes", text, declared)
            kept[table.name] = [
                _comparable(msgspec.structs.astuple(row)) for row in tx.all(statement, (WEBSITE.website_id,))
            ]
    return kept


def _comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """JSON texts without regard to the order of keys."""
    return tuple(
        msgspec.json.encode(msgspec.json.decode(item), order="sorted")
        if isinstance(item, str) and item[:1] in "{["
        else item
        for item in row
    )
