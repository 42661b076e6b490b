"""The form of a funnel: which funnel is suggested, and what stays of the steps of one that is changed."""

from __future__ import annotations

import pytest

from footfall.dashboard.funnel_forms import FunnelForm, form_of, read_form_funnel, suggest_funnel, typed_form
from footfall.funnels.model import FunnelFields, FunnelStep


def values(form: FunnelForm | None) -> list[str]:
    return [row.value for row in form.rows if row.value] if form else []


@pytest.mark.parametrize(
    ("pages", "goals", "has_payments", "expected"),
    [
        (["/", "/pricing", "/plans"], ["watched", "signup"], True, ["/pricing", "signup", "payment"]),
        (["/", "/blog"], ["watched", "read"], False, ["/", "watched"]),
        (["/blog"], ["Sign-Up"], True, ["Sign-Up", "payment"]),
        (["/Plans/eu"], [], True, ["/Plans/eu", "payment"]),
        (["/blog"], ["signup"], False, []),
        ([], [], True, []),
    ],
)
def test_a_funnel_of_what_there_is_is_suggested(
    pages: list[str], goals: list[str], has_payments: bool, expected: list[str]
) -> None:
    form = suggest_funnel(pages, goals, has_payments=has_payments)
    assert values(form) == expected
    if form:
        said = read_form_funnel(typed_form(dict(form.fields)))
        assert isinstance(said, FunnelFields)
        assert said.steps
        assert [step.value for step in said.steps] == [
            one.lower() if one == "Sign-Up" else one for one in expected
        ]


def test_the_form_of_a_funnel_says_the_same_funnel() -> None:
    steps = (
        FunnelStep("/a*", "pageview", "/a*"),
        FunnelStep("Joined", "goal", "signup"),
        FunnelStep("/" + "x" * 99, "pageview", "/" + "x" * 200),
    )
    form = form_of("Way", steps)
    assert len(form.rows) == 8
    assert read_form_funnel(form) == FunnelFields("Way", steps)
    assert read_form_funnel(typed_form(dict(form.fields))) == FunnelFields("Way", steps)
