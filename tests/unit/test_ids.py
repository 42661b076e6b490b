"""Ids of events."""

from __future__ import annotations

import secrets

import pytest

from footfall.ids import EventIds, at_of


@pytest.mark.parametrize("first", [0, 32_767, 32_768, 65_530, 65_535])
def test_ids_of_a_millisecond_sort_as_they_were_made(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "randbelow", lambda most: min(first, most - 1))
    new_id = EventIds()
    made = [new_id(at) for at in (5, *[6] * 30_000, 7, *[8] * 30_000, *[9] * 30_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {at_of(one) for one in made} == {5, 6, 7, 8, 9}
    assert len({one[-2:] for one in made}) == 1
