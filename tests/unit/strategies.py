"""Facts, values and calls drawn from few keys, users, visitors and times, so that they collide."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from footfall.identity import rules
from footfall.identity.model import BROWSER, IDENTIFY, SERVER, Fact, Operations

WEBSITE = b"w" * 12
SECRET = b"s" * 32
KEYS = ["a", "b", "c"]
USERS = ["A", "B", "C"]
VISITORS = [bytes([number]) * 16 for number in (1, 2, 3)]

json_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
json_values = st.recursive(
    json_scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
small_values = st.sampled_from([1, 1.0, True, 2, "x", "y", [1], {"n": 1.0}, {"n": 1}])


@st.composite
def operations(draw: st.DrawFn, values: st.SearchStrategy[Any] = small_values) -> Operations:
    """Operations in which no key stands twice."""
    kinds = draw(
        st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["set", "set_once", "unset"]), max_size=3)
    )
    of = {
        kind: [key for key, chosen in kinds.items() if chosen == kind]
        for kind in ("set", "set_once", "unset")
    }
    return Operations(
        {key: draw(values) for key in of["set"]},
        {key: draw(values) for key in of["set_once"]},
        tuple(of["unset"]),
    )


def make_fact(
    at: int,
    operations: Operations | None = None,
    *,
    user: str = "A",
    visitor: bytes = VISITORS[0],
    is_trusted: bool = True,
    source: str = SERVER,
) -> Fact:
    """A fact with its derived id."""
    said = operations or Operations()
    fact_id = rules.fact_id(
        WEBSITE, IDENTIFY, user, visitor, at, rules.canonical_operations(said), source, None
    )
    profile = rules.profile_id(SECRET, 0, user)
    return Fact(fact_id, IDENTIFY, profile, user, visitor, at, source, is_trusted, None, said)


@st.composite
def facts(draw: st.DrawFn, times: st.SearchStrategy[int] | None = None) -> Fact:
    """A fact about user A."""
    is_trusted = draw(st.booleans())
    return make_fact(
        draw(times if times is not None else st.integers(1, 5)),
        draw(operations()),
        visitor=draw(st.sampled_from(VISITORS)),
        is_trusted=is_trusted,
        source=SERVER if is_trusted else BROWSER,
    )
