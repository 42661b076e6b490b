"""Whatever happens between the slices of an erasure, the end is the one of an erasure at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall.app import ERASERS
from footfall.db.protocol import Transaction
from footfall.db.statements import make_statement
from footfall.errors import Unavailable
from footfall.identity.audit.verify import verify_identity
from footfall.identity.fold import id_of_user
from footfall.identity.identify.model import Identified, IdentifyCall
from footfall.identity.identify.service import identify
from footfall.identity.identify.wire import Identify
from footfall.identity.ledger.merge import MergeCall, Merged, merge
from footfall.identity.ledger.undo import UndoCall, Undone, undo
from footfall.identity.model import BROWSER, SERVER
from footfall.privacy import erasing
from footfall.privacy.erase import EraseCall, Erasing, unfinished
from tests.laws import world
from tests.laws.test_laws import world_of
from tests.laws.test_reading import Step, some_steps
from tests.laws.world import KEY, START, VISITORS, WEBSITE

ID, SECRET = WEBSITE.website_id, WEBSITE.profile_secret
APART = 100
"""Milliseconds between two calls, so that none is dated by a fact that is being erased."""
_LEDGER = make_statement(
    "ledger",
    "",
    "SELECT fact_id, profile_id, visitor_id, operations FROM fact ORDER BY fact_id",
    "fact_id bytes, profile_id bytes, visitor_id bytes?, operations text",
)
_BOUNDARIES = make_statement(
    "boundaries",
    "",
    "SELECT visitor_id, fact_id FROM boundary ORDER BY visitor_id, fact_id",
    "visitor_id bytes, fact_id bytes",
)


class Story:
    """Calls, one after the other."""

    def __init__(self, tx: Transaction) -> None:
        self.tx, self.now, self.facts, self.erasures = tx, START, [b""], 0

    def do(self, step: Step) -> None:
        self.now += APART
        getattr(self, step.what)(step)

    def identify(self, step: Step) -> None:
        at = None if step.at is None else START + step.at
        said = Identify(step.user, VISITORS[step.visitor], step.operations, at, [])
        source, key = (SERVER, KEY) if step.is_trusted else (BROWSER, None)
        call = IdentifyCall(ID, SECRET, said, source, step.is_trusted, key, self.now)
        while isinstance(done := identify(self.tx, [call])[0], Unavailable):
            self.slice()  # meanwhile, as whoever called tries again
        self._note(done)

    def merge(self, step: Step) -> None:
        self._note(*merge(self.tx, [MergeCall(ID, SECRET, (step.user, step.other), None, KEY, self.now)]))

    def undo(self, step: Step) -> None:
        target = self.facts[step.choice % len(self.facts)]
        self._note(*undo(self.tx, [UndoCall(ID, SECRET, target, None, KEY, self.now)]))

    def erase(self, step: Step) -> None:
        self.erasures += 1
        profile = id_of_user(self.tx, ID, SECRET, step.user)
        Erasing(ERASERS).erase(
            self.tx, [EraseCall(ID, SECRET, profile, self.erasures.to_bytes(16, "big"), self.now)]
        )

    def _note(self, outcome: object) -> None:
        if isinstance(outcome, Identified | Merged | Undone):
            self.facts.append(outcome.fact_id)

    def slice(self) -> None:
        """Take one slice of each erasure that is under way."""
        for erasure in unfinished(self.tx):
            if facts := erasing.facts_left(self.tx, erasure):
                erasing.take(self.tx, ERASERS, erasure, erasing.slices(facts)[0])
            else:
                erasing.end(self.tx, erasure)


def told(session: Any, steps: list[Step], *, slices: list[bool]) -> dict[str, Any]:
    """What is left of a story, after whose steps slices are taken where `slices` says so."""
    with world_of(session) as tx:
        story = Story(tx)
        for step, is_time in zip(steps, slices, strict=False):
            story.do(step)
            if is_time:
                story.slice()
            assert verify_identity(tx).shown == []
        while unfinished(tx):
            story.slice()
        assert verify_identity(tx).shown == []
        return {**world.state(tx), "facts": tx.all(_LEDGER), "boundaries": tx.all(_BOUNDARIES)}


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=some_steps, slices=st.lists(st.booleans(), min_size=18, max_size=18))
def test_an_erasure_in_slices_ends_as_one_at_once(
    session: Any, steps: list[Step], slices: list[bool]
) -> None:
    whole = told(session, steps, slices=[False] * len(steps))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(erasing, "FACTS", 0)  # too few for the first transaction to do it all
        patch.setattr(erasing, "slices", lambda facts: [erasing.Slice(facts[:1], True)])
        assert told(session, steps, slices=slices) == whole
