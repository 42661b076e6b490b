"""A form that came after its session had expired is told of in its own words."""

from __future__ import annotations

import pytest

from footfall.dashboard.pages.again import Kept


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("delete", "The website was not deleted."),
        ("notes/delete", "The note was not deleted."),
        ("segments/delete", "The segment was not deleted."),
        ("notes", "The note was not saved."),
        ("keys/revoke", "Nothing was revoked."),
        ("health/settle", "Nothing was changed."),
    ],
)
def test_what_was_not_done_is_what_the_form_was_about(form: str, said: str) -> None:
    assert Kept(f"/w/{'0' * 24}/{form}", []).not_done == said


def test_only_what_somebody_typed_is_shown() -> None:
    kept = Kept("/w/x/notes", [("text", "Launch"), ("id", "0a"), ("back", "/w/x/overview")])
    assert kept.shown == [("Text", "Launch")]
    assert [name for name, _ in kept.fields] == ["text", "id", "back"]
