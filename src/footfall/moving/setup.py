"""How a website is set up there, taken over here: settings, lists of hosts and exclusions, looks of goals, funnels and notes.

What is set here already stays: nothing that somebody changed since is overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from footfall.clock import Clock
from footfall.db.protocol import Transaction
from footfall.errors import ApiError, FieldError, NotFound, accepted
from footfall.funnels.model import Funnel
from footfall.funnels.store import add_funnel, read_funnels
from footfall.funnels.wire import read_funnel
from footfall.goals.store import change_look, read_looks
from footfall.goals.wire import read_look
from footfall.history.importing import ImportSession
from footfall.moving.model import MoveReport, NotHad
from footfall.moving.source import SourceAccount
from footfall.moving.wire import (
    SentFunnel,
    SentLook,
    SentNote,
    SentPage,
    SentSettings,
    SentWebsite,
    funnel_body,
    look_body,
    note_body,
)
from footfall.notes.store import add_note, read_notes
from footfall.notes.wire import read_new_note
from footfall.websites.fields import clean_changes
from footfall.websites.model import Changes, Exclusions, Website
from footfall.websites.store import configuration_changed, update_website

S = TypeVar("S")
R = TypeVar("R")

NOBODY = b"\0" * 12
"""The author of notes whose author is unknown here."""


class SetupMover:
    """Takes over the setup of one website. `is_dry`: only look."""

    def __init__(
        self,
        session: ImportSession,
        website: Website,
        source: SourceAccount,
        report: MoveReport,
        clock: Clock,
        *,
        is_dry: bool,
    ) -> None:
        self._session = session
        self.website = website
        """As it is set up by now."""
        self._id = website.website_id
        self._source = source
        self._report = report
        self._clock = clock
        self._is_dry = is_dry
        self._path = ""

    def take_settings(self) -> None:
        """Name, time zone and currency."""
        self._attempt("settings", self._take_settings)

    def find(self, source_id: str | None) -> bool:
        """Find the website's own id there, under which the rest is told; whether it is known."""
        try:
            self._path = f"/api/v1/admin/websites/{source_id or self._source.website_id()}"
        except NotHad as error:
            why = f"the website's id there is unknown ({error}); name it with --source-id"
            self._report.missing.append(f"looks of goals, funnels, notes: {why}")
            return False
        return True

    def take_lists(self) -> None:
        """Allowed hosts, and what is excluded."""
        self._attempt("lists of hosts and exclusions", lambda: self._take_lists(self._path))

    def take_rest(self) -> None:
        """Looks of goals, funnels and notes."""
        self._attempt("looks of goals", lambda: self._take_looks(self._path))
        self._attempt("funnels", lambda: self._take_funnels(self._path))
        self._attempt("notes", lambda: self._take_notes(self._path))

    def _attempt(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except NotHad as error:
            self._report.missing.append(f"{what}: {error}")

    def _each(self, what: str, sent: Iterable[S], work: Callable[[S], bool]) -> int:
        """How many were taken; those that cannot be are noted."""
        taken = 0
        for one in sent:
            try:
                taken += work(one)
            except (ApiError, FieldError) as error:
                self._report.refused.append(f"{what}: {error}")
        return taken

    def _take_settings(self) -> None:
        said, known = self._source.settings(), self.website
        if said.domain and said.domain.lower().removeprefix("www.") != known.domain:
            self._report.missing.append(f"domain: it is {said.domain} there, and stays {known.domain} here")
        self._each("settings", ("name", "timezone", "currency"), lambda field: self._set(field, said))

    def _set(self, field: str, said: SentSettings) -> bool:
        value, before = getattr(said, field), getattr(self.website, field)
        if not value or value == before:
            return False
        self._change(Changes(**{field: value}))
        self._report.settings.append(f"{field}: {value}, was {before}")
        return True

    def _take_lists(self, path: str) -> None:
        rows = self._source.whole(SentPage[SentWebsite], path)
        self._each("lists of hosts and exclusions", rows[:1], self._add_lists)

    def _add_lists(self, said: SentWebsite) -> bool:
        website, known = self.website, self.website.exclusions
        exclusions = Exclusions(
            _both(known.hostnames, said.excluded_hostnames),
            _both(known.paths, said.excluded_paths),
            _both(known.countries, said.excluded_countries),
            _both(known.ips, said.excluded_ips),
        )
        hosts = _both(website.allowed_hostnames, said.allowed_hostnames)
        if (hosts, exclusions) == (website.allowed_hostnames, known):
            return False
        self._change(Changes(allowed_hostnames=hosts, exclusions=exclusions))
        self._report.settings.append("lists of hosts and exclusions: longer")
        return True

    def _change(self, changes: Changes) -> None:
        cleaned = clean_changes(changes, self.website)

        def write(tx: Transaction) -> Website | FieldError | NotFound:
            changed = update_website(tx, self._id, cleaned)
            configuration_changed(tx)
            return changed

        if not self._is_dry:
            self.website = accepted(self._session.transact(write))

    def _write(self, work: Callable[[Transaction], R | ApiError | FieldError]) -> None:
        """Raises what it refuses with."""
        if not self._is_dry:
            accepted(self._session.transact(work))

    def _take_looks(self, path: str) -> None:
        known = {one.name for one in self._session.snapshot(lambda tx: read_looks(tx, self._id))}

        def take(look: SentLook) -> bool:
            change = read_look(look_body(look))
            if change.name in known:
                return False
            self._write(lambda tx: change_look(tx, self._id, change, self._clock()))
            return True

        sent = self._source.whole(SentPage[SentLook], f"{path}/goals/customizations")
        self._report.goal_looks = self._each("looks of goals", sent, take)

    def _take_funnels(self, path: str) -> None:
        known = {
            one.name.casefold(): one for one in self._session.snapshot(lambda tx: read_funnels(tx, self._id))
        }

        def take(funnel: SentFunnel) -> bool:
            said = read_funnel(funnel_body(funnel), is_new=True)
            here: Funnel | None = known.get((said.name or "").casefold())
            if here is None:
                self._write(lambda tx: add_funnel(tx, self._id, said, self._clock()))
            elif here.steps != said.steps:
                raise FieldError(funnel.name[:60], "there is one of this name with other steps here")
            return here is None

        sent = self._source.whole(SentPage[SentFunnel], f"{path}/funnels")
        active = [one for one in sent if one.is_active is not False]
        self._report.funnels = self._each("funnels", active, take)

    def _take_notes(self, path: str) -> None:
        notes = self._session.snapshot(lambda tx: read_notes(tx, self._id))
        known = {(one.note.text, one.note.at) for one in notes}

        def take(note: SentNote) -> bool:
            said = read_new_note(note_body(note))
            if (said.text, said.at) in known:
                return False
            self._write(lambda tx: add_note(tx, self._id, said, NOBODY, self._clock()))
            return True

        sent = self._source.whole(SentPage[SentNote], f"{path}/notes")
        self._report.notes = self._each("notes", reversed(sent), take)


def _both(here: tuple[str, ...], there: Iterable[str] | None) -> tuple[str, ...]:
    """A list with what the other side has too."""
    return tuple(dict.fromkeys((*here, *(there or ()))))
