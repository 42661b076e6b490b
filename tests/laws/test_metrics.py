"""What DuckDB answers equals the definitions, whatever happened and whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.analytics.compose import (
    MEASURES,
    PLACED,
    TOUCHES,
    BoundRates,
    Composed,
    Scene,
    Whom,
    card_columns,
    compose_card,
    compose_cards,
    compose_funnel,
    compose_overview,
    compose_paid_days,
    compose_properties,
    compose_retention,
    compose_series,
)
from footfall.analytics.dialects import DUCKDB, BoundType, Dialect
from footfall.analytics.dimensions import (
    CARDS,
    FILTERS,
    Attribution,
    Counted,
    MetricFilter,
    Operator,
    RevenueAs,
    Scope,
)
from footfall.analytics.passing import FunnelPart
from footfall.analytics.query import Question
from footfall.analytics.ranges import SeriesInterval, TimeRange, divide
from footfall.analytics.roster import RosterLooking, RosterPart, compose_roster, read_roster
from footfall.analytics.scene import ADDITIVE, NEEDED, needed_measures
from footfall.clock import from_iso
from footfall.funnels.model import FunnelStep
from tests.support.reference import NOTHING, Reference
from tests.support.stories import (
    CUSTOM,
    FIRST,
    FREE_TRIAL,
    GOAL,
    IDENTIFY,
    LINK,
    PAGEVIEW,
    PAID,
    REFUND,
    RENEWAL,
    WEBSITE,
    Deed,
    Entry,
    Story,
    fill,
)

START = from_iso("2026-10-24T18:00:00Z")
"""The night in which clocks of Berlin go back."""
STEP = 10 * 60 * 1000
STEPS = 4 * 24 * 6
VISITORS = [101, 102, 103]
PEOPLE = [1, 2, 3]
ORIGINS: list[dict[str, str]] = [
    {},
    {
        "country": "DE",
        "region": "DE-BE",
        "city": "Berlin",
        "device": "desktop",
        "browser": "Safari",
        "channel": "Direct",
    },
    {
        "country": "US",
        "browser": "Mobile Safari",
        "device": "mobile",
        "referrer": "google.com",
        "channel": "Organic search",
        "ad_network": "Google Ads",
    },
    {"country": "US", "utm_source": "News", "utm_campaign": "a,b%_'", "os": "Mac OS", "channel": "Campaign"},
]
SAID = ['{"plan":"pro"}', '{"plan":"free","size":"1"}', None]
RATES = BoundRates(["USD", "USD"], [START // 86_400_000 + n for n in (1, 2)], [0.87, 0.5], own="EUR")

times = st.tuples(st.sampled_from([0, 24, 36, 40, 200, STEPS - 10]), st.integers(0, 9)).map(
    lambda drawn: START + sum(drawn) * STEP
)
"""Close to each other, so that many make a visit, and some the same millisecond."""


@st.composite
def deeds(draw: st.DrawFn) -> Deed:
    visitor, at = draw(st.sampled_from(VISITORS)), draw(times)
    type_ = draw(
        st.sampled_from(
            [PAGEVIEW] * 5 + [CUSTOM, IDENTIFY, LINK, GOAL, PAID, FIRST, RENEWAL, REFUND, FREE_TRIAL]
        )
    )
    origin = draw(st.sampled_from(ORIGINS))
    if type_ >= PAID:
        amount = draw(st.integers(1, 99)) * (-1 if type_ == REFUND else type_ != FREE_TRIAL)
        nobody = draw(st.booleans()) and draw(st.booleans())
        currency = draw(st.sampled_from(["EUR", "USD"]))
        return Deed(
            None if nobody else visitor,
            at,
            type_,
            amount=amount,
            currency=currency,
            origin=origin,
            is_known=draw(st.booleans()),
        )
    if type_ == PAGEVIEW:
        path, host = (
            draw(st.sampled_from(["/", "/a", "/A", "/blog/x"])),
            draw(st.sampled_from(["a.com", "b.com"])),
        )
        return Deed(visitor, at, type_, path, host, origin=origin)
    name = (
        draw(st.sampled_from(["signup", "buy"]))
        if type_ in (CUSTOM, GOAL)
        else "https://x.com"
        if type_ == LINK
        else None
    )
    data = draw(st.sampled_from(SAID))
    said = data if type_ == CUSTOM else f'{{"metadata":{data}}}' if type_ == GOAL and data else None
    return Deed(visitor, at, type_, name=name, properties=said, origin=origin)


links = st.dictionaries(
    st.sampled_from(VISITORS),
    st.lists(
        st.tuples(times, st.sampled_from(PEOPLE)), min_size=1, max_size=3, unique_by=lambda link: link[0]
    ),
    max_size=3,
)
entries = st.builds(Story, st.lists(deeds(), min_size=10, max_size=40), links).map(Story.entries)
ranges = st.tuples(times, st.integers(1, STEPS), st.sampled_from([0, 1])).map(
    lambda drawn: TimeRange(drawn[0] + drawn[2], drawn[0] + drawn[1] * STEP, "Europe/Berlin")
)
VALUES = [
    "de",
    "US",
    "Safari",
    "/a",
    "/",
    "a.com",
    "signup",
    "News",
    "a,b%_'",
    "x",
    "%",
    "google.com",
    "Direct",
]


@st.composite
def conditions(draw: st.DrawFn) -> MetricFilter:
    name = draw(st.sampled_from(sorted(FILTERS.keys() - {"person", "funnel"})))
    field = FILTERS[name]
    operator = draw(st.sampled_from(field.operators))
    if field.scope is Scope.NEW:
        return MetricFilter(name, operator, (draw(st.sampled_from(["true", "false"])),))
    if field.scope is Scope.VISITS:
        return MetricFilter(name, operator, (draw(st.sampled_from(["1", "2", "3"])),))
    values = draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=3, unique=True))
    is_found = field.scope is Scope.VISIT and operator in (Operator.IS, Operator.IS_NOT)
    return MetricFilter(name, operator, tuple(values), is_found and draw(st.booleans()))


questions = st.builds(
    Question,
    range=ranges,
    conditions=(st.just([]) | st.lists(conditions(), max_size=2)).map(tuple),
    limit=st.just(1000),
)
scenes = st.builds(
    Scene,
    st.just(WEBSITE),
    st.lists(
        st.builds(Whom, st.lists(st.sampled_from(PEOPLE + VISITORS), max_size=4), st.booleans()), max_size=2
    ),
    st.just(RATES),
    st.sampled_from(Attribution),
    st.sampled_from(RevenueAs),
    funnels=st.just(()),
)
PLACES = [name for name, card in CARDS.items() if card.counted is Counted.VISITORS]
some = settings(max_examples=25)


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory."""
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


def ask(duck: duckdb.DuckDBPyConnection, composed: Composed) -> list[tuple[Any, ...]]:
    return duck.execute(composed.text, composed.values).fetchall()


def counts(row: Sequence[Any], names: Sequence[str] = MEASURES) -> dict[str, int]:
    return dict(zip(names, row, strict=True))


@some
@given(entries, questions, scenes)
def test_the_overview_equals_the_definitions(
    duck: duckdb.DuckDBPyConnection, entries: list[Entry], question: Question, scene: Scene
) -> None:
    fill(duck, entries)
    (row,) = ask(duck, compose_overview(scene, question))
    assert counts(row) == Reference(entries, scene).overview(question)
    assert row[1] <= row[0]


@some
@given(entries, questions, scenes, st.sampled_from(SeriesInterval))
def test_each_part_of_a_series_equals_the_definitions(
    duck: duckdb.DuckDBPyConnection,
    entries: list[Entry],
    question: Question,
    scene: Scene,
    interval: SeriesInterval,
) -> None:
    fill(duck, entries)
    buckets = divide(question.range, interval)
    found = {row[0]: counts(row[1:]) for row in ask(duck, compose_series(scene, question, buckets))}
    wanted = Reference(entries, scene).series(question, buckets)
    assert {number: one for number, one in found.items() if one != NOTHING} == {
        number: one for number, one in wanted.items() if one != NOTHING
    }
    whole = Reference(entries, scene).overview(question)
    assert {name: sum(one[name] for one in found.values()) for name in ADDITIVE} == {
        name: whole[name] for name in ADDITIVE
    }


@some
@given(entries, questions, scenes, st.sampled_from(sorted(CARDS)))
def test_each_card_equals_the_definitions(
    duck: duckdb.DuckDBPyConnection, entries: list[Entry], question: Question, scene: Scene, name: str
) -> None:
    fill(duck, entries)
    card = CARDS[name]
    width = 1 + len(card.columns)
    names = PLACED if card.counted is Counted.VISITORS else TOUCHES
    rows = [row for row in ask(duck, compose_card(scene, question, name)) if row[width] is not None]
    assert {row[1:width]: counts(row[width:], names) for row in rows} == Reference(entries, scene).card(
        question, name
    )
    assert [row[width] for row in rows] == sorted((row[width] for row in rows), reverse=True)
    assert all(row[0] == len(rows) for row in rows)


@some
@given(entries, questions, scenes, st.sets(st.sampled_from(sorted(NEEDED)), min_size=1))
def test_what_no_field_tells_of_is_not_counted(
    duck: duckdb.DuckDBPyConnection,
    entries: list[Entry],
    question: Question,
    scene: Scene,
    fields: set[str],
) -> None:
    fill(duck, entries)
    asked = msgspec.structs.replace(question, fields=tuple(sorted(fields)))
    (row,) = ask(duck, compose_overview(scene, asked))
    whole, needed = Reference(entries, scene).overview(question), needed_measures(fields)
    assert counts(row) == {name: whole[name] if name in needed else 0 for name in MEASURES}


@some
@given(entries, questions, scenes, st.lists(st.sampled_from(PLACES), min_size=1, max_size=4, unique=True))
def test_several_cards_at_once_equal_the_definitions(
    duck: duckdb.DuckDBPyConnection,
    entries: list[Entry],
    question: Question,
    scene: Scene,
    names: list[str],
) -> None:
    fill(duck, entries)
    columns = card_columns(names)
    found: dict[str, dict[Any, Any]] = {name: {} for name in names}
    for number, total, *row in ask(duck, compose_cards(scene, question, names)):
        name = names[number]
        keys = tuple(row[columns.index(column)] for column in CARDS[name].columns)
        found[name][keys] = counts(row[len(columns) :], PLACED)
        assert total >= len(found[name])
    assert found == {name: Reference(entries, scene).card(question, name) for name in names}


@settings(max_examples=6)
@given(entries, questions, scenes)
def test_cards_of_places_devices_and_sources_add_up(
    duck: duckdb.DuckDBPyConnection, entries: list[Entry], question: Question, scene: Scene
) -> None:
    fill(duck, entries)
    (total,) = ask(duck, compose_overview(scene, question))
    for name, card in CARDS.items():
        if card.counted is Counted.VISITORS and not card.needs_any:
            width = 1 + len(card.columns)
            rows = [
                row[width:]
                for row in ask(duck, compose_card(scene, question, name))
                if row[width] is not None
            ]
            sums = counts([sum(column) for column in zip(*rows, strict=True)] or [0] * len(PLACED), PLACED)
            assert {**counts(total), **sums, "people": 0} == {**counts(total), "people": 0}


@some
@given(entries, questions, scenes, st.sampled_from([None, "plan", "size", "no"]))
def test_properties_of_goals_equal_the_definitions(
    duck: duckdb.DuckDBPyConnection, entries: list[Entry], question: Question, scene: Scene, name: str | None
) -> None:
    fill(duck, entries)
    rows = ask(duck, compose_properties(scene, question, "signup", name))
    found = {shown: counted for total, shown, *counted in rows if shown is not None}
    assert rows[0][0] == len(found)
    assert {shown: tuple(counted) for shown, counted in found.items()} == Reference(
        entries, scene
    ).properties(question, "signup", name)


STEPS_OF = [
    FunnelStep("Home", "pageview", "/"),
    FunnelStep("Blog", "pageview", "/b*"),
    FunnelStep("All", "pageview", "*"),
    FunnelStep("Host", "pageview", "https://a.com/a?from=*"),
    FunnelStep("Signup", "goal", "signup"),
    FunnelStep("Paid", "goal", "payment"),
    FunnelStep("Trial", "goal", "free_trial"),
    FunnelStep("Subscribed", "goal", "subscription_started"),
]


@some
@given(entries, questions, scenes, st.lists(st.sampled_from(STEPS_OF), min_size=2, max_size=4))
def test_funnels_equal_the_definitions(
    duck: duckdb.DuckDBPyConnection,
    entries: list[Entry],
    question: Question,
    scene: Scene,
    steps: list[FunnelStep],
) -> None:
    fill(duck, entries)
    rows = ask(duck, compose_funnel(scene, question, steps))
    assert [counts(row[1:], ("visitors", "people", *TOUCHES[3:])) for row in rows] == Reference(
        entries, scene
    ).funnel(question, steps)


@some
@given(entries, questions, scenes, st.lists(st.sampled_from(STEPS_OF), min_size=2, max_size=4))
def test_the_people_of_a_funnel_are_as_many_as_it_tells(
    duck: duckdb.DuckDBPyConnection,
    entries: list[Entry],
    question: Question,
    scene: Scene,
    steps: list[FunnelStep],
) -> None:
    fill(duck, entries)
    names = ("visitors", "people", *TOUCHES[3:])
    told = [counts(row[1:], names) for row in ask(duck, compose_funnel(scene, question, steps))]
    everybody = people_of(duck, scene, question)
    for place, step in enumerate(told):
        passed = scene._replace(funnels=[FunnelPart(steps, place, is_stopped=False)])
        (row,) = ask(duck, compose_overview(passed, question))
        assert {name: counts(row)[name] for name in names} == step
        assert people_of(duck, passed, question) == step["people"]
        if place + 1 < len(steps):
            part = FunnelPart(steps, place, is_stopped=True)
            stopped = people_of(duck, scene._replace(funnels=[part]), question)
            assert stopped == step["people"] - told[place + 1]["people"]
            others = scene._replace(funnels=[part._replace(is_excluded=True)])
            assert everybody - stopped <= people_of(duck, others, question) <= everybody


def people_of(duck: duckdb.DuckDBPyConnection, scene: Scene, question: Question) -> int:
    """How many people the list of people has."""
    return read_roster(ask(duck, compose_roster(scene, question, RosterLooking()))).totals[
        RosterPart.EVERYBODY
    ]


def test_payments_of_nobody_reach_no_step(duck: duckdb.DuckDBPyConnection) -> None:
    fill(duck, Story([Deed(None, START, FREE_TRIAL, amount=0, currency="EUR")]).entries())
    question = Question(range=TimeRange(START, START + 1, "UTC"))
    steps = [FunnelStep("Trial", "goal", "free_trial"), FunnelStep("Home", "pageview", "/")]
    assert [row[1] for row in ask(duck, compose_funnel(Scene(WEBSITE), question, steps))] == [0, 0]


@some
@given(entries, questions, scenes)
def test_retention_equals_the_definitions(
    duck: duckdb.DuckDBPyConnection, entries: list[Entry], question: Question, scene: Scene
) -> None:
    fill(duck, entries)
    weeks = divide(question.range, SeriesInterval.DAY)
    found = {(row[0], row[1]): row[2] for row in ask(duck, compose_retention(scene, question, weeks))}
    assert found == Reference(entries, scene).retention(question, weeks)


def test_rates_are_needed_for_the_days_and_foreign_currencies_of_payments(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    paid = [
        Deed(None, START + day * 86_400_000, PAID, amount=1, currency=currency)
        for day in (0, 1, 9)
        for currency in ("EUR", "USD")
    ]
    fill(duck, Story(paid).entries())
    asked = TimeRange(START, START + 2 * 86_400_000, "UTC")
    found = ask(duck, compose_paid_days(Scene(WEBSITE, rates=RATES), asked))
    assert found == [("USD", START // 86_400_000), ("USD", START // 86_400_000 + 1)]


def test_no_value_of_a_question_stands_in_the_text() -> None:
    evil = "'; DROP TABLE event_row; --"
    asked = tuple(
        MetricFilter(name, Operator.IS, (evil,))
        for name, field in FILTERS.items()
        if field.scope not in (Scope.NEW, Scope.VISITS)
    )
    steps = [FunnelStep(evil, "goal", evil), FunnelStep(evil, "pageview", evil)]
    question = Question(range=TimeRange(0, 1, "UTC"), conditions=asked)
    scene = Scene(WEBSITE, funnels=[FunnelPart(steps, 0, is_stopped=True)])
    texts = [compose_card(scene, question, name).text for name in CARDS]
    texts += [
        compose_funnel(scene, question, steps).text,
        compose_properties(scene, question, evil, evil).text,
    ]
    assert not any("DROP" in text for text in texts)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Apia", "America/St_Johns", "Asia/Manila"])
@pytest.mark.parametrize("since", ["1842-07-15", "1970-01-01", "2001-12-31"])
def test_each_time_of_a_century_lies_in_its_month(
    duck: duckdb.DuckDBPyConnection, zone: str, since: str
) -> None:
    months_equal_the_definitions(duck, DUCKDB, zone, since)


def months_equal_the_definitions(asked: Any, dialect: Dialect, zone: str, since: str) -> None:
    """Asks where the first and the last ms of each month of 98 years lie, and times before."""
    begins = from_iso(f"{since}T00:00:00Z")
    months = divide(TimeRange(begins, begins + 98 * 365 * 86_400_000, zone), SeriesInterval.MONTH)
    starts = list(months.starts)
    times = sorted({*starts[1:], *(at - 1 for at in starts[1:]), starts[0], starts[-1] + 28 * 86_400_000})
    listed = dialect.listed({"began": ("$times", BoundType.INTEGER)})
    place = dialect.place("began", "$starts", len(starts), months.unit)
    text = f"SELECT began, {place} AS place FROM ({listed}) AS moment ORDER BY began"
    before = [starts[0] - 10**15, starts[0] - 1]
    found = asked.execute(text, {"times": [*before, *times], "starts": starts}).fetchall()
    assert all(place <= 0 for _, place in found[:2])
    assert [tuple(row) for row in found[2:]] == [(at, months.number(at)) for at in times]
