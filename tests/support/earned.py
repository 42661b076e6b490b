"""Who pays, when and from where, as docs/metrics.md defines it, in plain Python over lists: slow, and easy to see through."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from footfall.analytics.compose import Scene
from footfall.analytics.dimensions import CARDS, RevenueAs
from footfall.analytics.money.model import CustomerSum
from footfall.analytics.query import Question
from tests.support.reference import DAY, Keys, Reference, is_paid
from tests.support.stories import PAID, REFUND, Entry


class EarnedReference:
    """Answers questions about everything that was ever paid."""

    def __init__(self, entries: Sequence[Entry], scene: Scene) -> None:
        self.now, self.then = (
            Reference(entries, scene._replace(revenue_as=one))
            for one in (RevenueAs.NOW, RevenueAs.AT_PAYMENT)
        )

    def sources(self, question: Question, name: str) -> dict[Keys, tuple[int, int, int]]:
        """By source: payments, revenue, revenue as known at payment."""
        now, then = (self._moneys(one, question, name) for one in (self.now, self.then))
        return {
            keys: (
                sum(map(is_paid, now[keys])),
                revenue(self.now, now[keys]),
                revenue(self.then, then[keys]),
            )
            for keys in {*now, *then}
            if not CARDS[name].needs_any or any(key is not None for key in keys)
        }

    def _moneys(self, known: Reference, question: Question, name: str) -> dict[Keys, list[Entry]]:
        found: dict[Keys, list[Entry]] = defaultdict(list)
        for one in known.chosen(question):
            if one.deed.type >= PAID:
                found[known._paid_from(one, CARDS[name])].append(one)
        return found

    def customers(self, question: Question) -> dict[CustomerSum, bool]:
        """Each customer, and whether it is a new one."""
        found = {}
        for person, theirs in self._by_person(question).items():
            paid = [one for one in theirs if is_paid(one)]
            if paid:
                first_at = self._first(person, question)
                is_known = int(
                    any(one.deed.visitor is None or one.person != one.deed.visitor for one in theirs)
                )
                last_at = max(one.deed.at for one in theirs)
                counts = (is_known, len(paid), revenue(self.now, theirs), first_at, last_at)
                found[CustomerSum(person, *counts)] = any(one.deed.at == first_at for one in paid)
        return found

    def _by_person(self, question: Question) -> dict[int, list[Entry]]:
        found: dict[int, list[Entry]] = defaultdict(list)
        for one in self.now.chosen(question):
            if one.deed.type >= PAID and one.person is not None:
                found[one.person].append(one)
        return found

    def _first(self, person: int, question: Question) -> int:
        return min(
            one.deed.at
            for one in self.now.entries
            if one.person == person and is_paid(one) and one.deed.at < question.range.until
        )

    def delays(self, question: Question) -> Counter[tuple[int, int]]:
        """How many new customers took so many days (0) or visits (1)."""
        found: Counter[tuple[int, int]] = Counter()
        for customer, is_new in self.customers(question).items():
            begun = [
                one.deed.at
                for one in self.now.entries
                if one.is_visit
                and one.before_in_session is None
                and one.person == customer.person
                and one.deed.at <= customer.first_at
            ]
            if is_new and begun:
                found[0, (customer.first_at - begun[0]) // DAY] += 1
                found[1, len(begun)] += 1
        return found

    def hours(self, question: Question) -> dict[tuple[int, int], tuple[int, int]]:
        """By weekday and hour: payments, and what they brought."""
        found: dict[tuple[int, int], list[Entry]] = defaultdict(list)
        for one in self.now.chosen(question):
            if is_paid(one):
                zone = ZoneInfo(question.range.zone)
                local = datetime.fromtimestamp(one.deed.at / 1000, UTC).astimezone(zone)
                found[local.weekday(), local.hour].append(one)
        return {when: (len(paid), revenue(self.now, paid)) for when, paid in found.items()}


def revenue(known: Reference, entries: Iterable[Entry]) -> int:
    """What payments bring, less refunds."""
    return sum(known.minor(one) for one in entries if is_paid(one) or one.deed.type == REFUND)
