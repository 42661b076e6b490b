"""The form of a funnel: rows of steps as they are typed, what is wrong with them, and a funnel to begin with. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from footfall.dashboard.forms import Problem
from footfall.errors import BadRequest
from footfall.funnels.model import GOAL, PAGEVIEW, FunnelFields, FunnelStep
from footfall.funnels.wire import FEWEST_STEPS, MOST_STEPS, read_funnel

PAYMENT = "payment"
"""The goal that payments reach."""
_STEP = re.compile(r"steps\[(\d)\]\.(\w+):? ")
_PRICING = re.compile("/(?:pricing|prices|plans|buy|checkout|upgrade)", re.IGNORECASE)
_SIGN_UP = re.compile("sign.?up|regist|trial|account|subscri|join", re.IGNORECASE)


class StepRow(NamedTuple):
    """A row of the form: what kind of step, what it waits for, and what it is called. Without a value it is no step."""

    kind: str = PAGEVIEW
    value: str = ""
    label: str = ""


class FunnelForm(NamedTuple):
    """A form as it was typed, or as it begins. It has `MOST_STEPS` rows."""

    name: str
    rows: list[StepRow]

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The same as fields of a form."""
        numbered = enumerate(self.rows, 1)
        return [
            ("name", self.name),
            *(
                (f"{name}{number}", text)
                for number, row in numbered
                if row.value
                for name, text in row._asdict().items()
            ),
        ]


def _full(rows: Iterable[StepRow]) -> list[StepRow]:
    given = list(rows)
    return given + [StepRow()] * (MOST_STEPS - len(given))


def form_of(name: str, steps: Sequence[FunnelStep]) -> FunnelForm:
    """The form with the steps of a funnel. What a step is called by default stays empty."""
    rows = (StepRow(one.type, one.value, "" if one.name == one.value[:100] else one.name) for one in steps)
    return FunnelForm(name, _full(rows))


def typed_form(fields: Mapping[str, str]) -> FunnelForm:
    """The form as somebody sent it."""
    rows = [
        StepRow(*(fields.get(f"{name}{number}", "") for name in StepRow._fields))
        for number in range(1, MOST_STEPS + 1)
    ]
    return FunnelForm(fields.get("name", ""), rows)


def read_form_funnel(form: FunnelForm) -> FunnelFields | Problem:
    """What a form says, or what is wrong with it, at the field where that is."""
    used = [number for number, row in enumerate(form.rows, 1) if row.value]
    if not form.name:
        return Problem("name", "Say what to call the funnel.")
    if len(used) < FEWEST_STEPS:
        empty = next(number for number, row in enumerate(form.rows, 1) if not row.value)
        return Problem(f"value{empty}", f"A funnel has {FEWEST_STEPS} to {MOST_STEPS} steps: add one here.")
    try:
        return read_funnel(
            {"name": form.name, "steps": [_step(form, number) for number in used]}, is_new=True
        )
    except BadRequest as error:
        return _problem(error.message, used)


def _step(form: FunnelForm, number: int) -> dict[str, str]:
    row = form.rows[number - 1]
    named = {"name": row.label} if row.label else {}
    return {"type": row.kind, "goalName" if row.kind == GOAL else "url": row.value, **named}


def _problem(message: str, used: Sequence[int]) -> Problem:
    """The problem in the words of the form, which has also rows that are empty."""
    if found := _STEP.match(message):
        number, said = used[int(found[1])], message[found.end() :]
        field = {"name": "label", "type": "kind"}.get(found[2], "value")
        return Problem(f"{field}{number}", f"Step {number}: {said}")
    said = message.removeprefix("name: ")
    return Problem("name", said[:1].upper() + said[1:])


def suggest_funnel(pages: Iterable[str], goals: Iterable[str], *, has_payments: bool) -> FunnelForm | None:
    """A funnel of what there is, most visitors first: where it is sold, the sign-up, and the payment; None if that is not even two steps."""
    paths, names = list(pages), list(goals)
    sold = next((one for one in paths if _PRICING.match(one)), "/" if "/" in paths else "")
    goal = next((one for one in names if _SIGN_UP.search(one)), names[0] if names else "")
    steps = [FunnelStep("Pricing page" if sold != "/" else "Home page", PAGEVIEW, sold)] if sold else []
    steps += [FunnelStep(goal, GOAL, goal)] if goal else []
    steps += [FunnelStep("Payment", GOAL, PAYMENT)] if has_payments else []
    name = f"{'Pricing' if sold != '/' else 'Home'} to {'payment' if has_payments else goal}"
    return form_of(name, steps) if len(steps) >= FEWEST_STEPS else None
