"""Money in currencies of each number of digits, with and without a rate."""

from __future__ import annotations

from hypothesis import strategies as st

from footfall.payments.money import Money

currencies = st.sampled_from(["EUR", "USD", "JPY", "KWD", "CLF", "TRY"])


def moneys(minor: st.SearchStrategy[int] = st.integers(-(10**15), 10**15)) -> st.SearchStrategy[Money]:  # noqa: B008
    return st.builds(Money, minor, currencies)
