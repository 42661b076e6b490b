"""The demo's people and their quarter are like real ones, and the same for a seed."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from typing import Any

import pytest

from footfall.collect.enrich.bots import bot_kind
from footfall.collect.enrich.device import parse_device
from footfall.collect.enrich.geo import Geo
from footfall.demo.furniture import NOTES, begun
from footfall.demo.live import Door, keep_walking, walk_in
from footfall.demo.people import DAY, DAYS, HOUR, USERS, VISITORS, DemoUser, Said, populate
from footfall.demo.quarter import happenings
from footfall.demo.world import DEVICES, PHONE, PRICES, REGIONS
from footfall.errors import UsageError

NOW = 1_764_288_000_000
"""A Friday (ms since epoch)."""
WORLD = populate(1)
QUARTER = happenings(1, NOW)


def test_a_seed_makes_the_same_people_and_the_same_quarter() -> None:
    assert populate(1) == WORLD
    assert happenings(1, NOW) == QUARTER
    assert populate(2) != WORLD


def test_there_are_as_many_people_as_are_told_of() -> None:
    assert len({user.user_id for user in WORLD.users}) == USERS
    devices = [device for user in WORLD.users for device in user.devices]
    everybody = {one.visitor_id for one in (*devices, WORLD.shared, *WORLD.strangers)}
    assert len(everybody) == VISITORS
    assert len({said.visitor.visitor_id for said in QUARTER}) > VISITORS * 0.95
    assert {said.user for said in QUARTER if said.user} == {user.user_id for user in WORLD.users}


def by_address() -> list[list[DemoUser]]:
    users = sorted(WORLD.users, key=lambda user: user.traits["email"].lower())
    grouped = itertools.groupby(users, key=lambda user: user.traits["email"].lower())
    return [list(group) for _, group in grouped]


def test_whoever_shares_an_address_is_one_human() -> None:
    twice = [users for users in by_address() if len(users) > 1]
    assert len(twice) == 6
    for first, second in twice:
        for name in ("name", "company"):
            assert first.traits[name] == second.traits[name]
        assert first.devices[0].region == second.devices[0].region


def test_all_devices_of_a_person_are_in_one_place() -> None:
    assert max(len(user.devices) for user in WORLD.users) > 1
    assert all(len({device.region for device in user.devices}) == 1 for user in WORLD.users)


def test_those_who_share_a_computer_are_colleagues_in_one_place() -> None:
    first, second = WORLD.users[:2]
    assert first.traits["company"] == second.traits["company"]
    assert first.devices[0].region == second.devices[0].region == WORLD.shared.region


def test_nothing_happens_before_the_quarter_or_after_now() -> None:
    assert all(NOW - (DAYS + 4) * DAY < said.at < NOW for said in QUARTER)


def pageviews() -> list[Said]:
    return [said for said in QUARTER if said.body.get("type") == "pageview"]


def test_people_sleep_at_night_and_rest_on_weekends() -> None:
    local = [said.at + said.visitor.region.zone * HOUR for said in pageviews()]
    hours = Counter(at // HOUR % 24 for at in local)
    assert sum(hours[hour] for hour in range(1, 6)) * 3 < sum(hours[hour] for hour in range(9, 14))
    days = Counter((at // DAY + 3) % 7 for at in local)
    assert max(days[5], days[6]) < min(days[day] for day in range(5))


def test_newsletters_and_launches_are_seen() -> None:
    """Days on which a source brings more stand out, and holidays are quiet."""
    days = Counter((NOW - said.at) // DAY for said in pageviews())
    usual = statistics.median(days.values())
    assert days[23] > 2 * usual  # somebody told Hacker News
    assert days[66] > 1.5 * usual  # Product Hunt
    assert sum(days[day] for day in range(35, 42)) < sum(days[day] for day in range(28, 35))
    campaigns = {said.body["href"].partition("utm_campaign=")[2].partition("&")[0] for said in pageviews()}
    assert len(campaigns - {""}) == 7


def test_notes_stand_at_days_on_which_more_people_came() -> None:
    days = Counter((NOW - said.at) // DAY for said in pageviews())
    for day in NOTES:
        assert (NOW - begun(day, NOW)) // DAY == day
        assert days[day] > days[day + 1], "the day before"


def payments() -> list[Said]:
    return [said for said in QUARTER if said.is_payment and not said.body.get("refunded")]


def test_some_users_pay_for_their_plan_each_month_in_the_money_of_their_country() -> None:
    by_id = {user.user_id: user for user in WORLD.users}
    paid = [by_id[said.user or ""] for said in payments()]
    first = [said for said in payments() if "renewal" not in said.body]
    assert 30 < len(first) < 100
    assert len({said.user for said in first}) == len(first)
    assert len(first) / 4 < len(payments()) - len(first)
    assert 0 < sum(said.is_payment and "refunded" in said.body for said in QUARTER) < len(first) / 5
    for said, user in zip(payments(), paid, strict=True):
        assert said.visitor in user.devices
        assert said.body["amount"] == PRICES[user.traits["plan"]]
    assert {said.body["currency"] for said in payments()} == {"USD", "EUR", "GBP"}


def test_goals_lead_from_a_sign_up_to_a_team() -> None:
    reached = [said for said in QUARTER if said.body.get("type") == "custom"]
    times = Counter(said.body["extraData"]["eventName"] for said in reached)
    assert times["signup"] > times["invited_teammate"] > 20
    assert times["signup"] > times["started_checkout"] > len({said.user for said in payments()})
    assert set(times) == {"watched_video", "signup", "started_checkout", "invited_teammate"}


def test_where_people_come_from_tells_how_many_of_them_pay() -> None:
    payers = [
        user.devices[0].region.place.country_code for user in WORLD.users if user.traits["plan"] != "free"
    ]
    everybody = [user.devices[0].region.place.country_code for user in WORLD.users]
    shares = {code: payers.count(code) / everybody.count(code) for code in ("US", "IN")}
    assert shares["US"] > 1.5 * shares["IN"]


@pytest.mark.parametrize("what", ["country", "referrer", "page"])
def test_there_is_a_head_and_a_long_tail(what: str) -> None:
    read: Any = {
        "country": lambda said: said.visitor.region.place.country,
        "referrer": lambda said: said.body.get("referrer"),
        "page": lambda said: said.body["href"],
    }[what]
    counted = Counter(map(read, pageviews())).most_common()
    assert len(counted) > 20
    assert counted[1][1] > 20 * counted[-1][1]


def test_the_address_of_a_region_is_in_its_country() -> None:
    geo = Geo()
    for region in REGIONS:
        assert geo.place(region.address).country == region.place.country, region


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.agent[-40:])
def test_devices_are_what_they_are_taken_for(device: Any) -> None:
    assert bot_kind(device.agent) is None
    assert parse_device(device.agent, None).type == ("mobile" if device.kind == PHONE else "desktop")


def test_visitors_walk_in_at_a_bounded_rate() -> None:
    walked = list(itertools.islice(walk_in(1, NOW), 3000))
    assert all(wait >= 0 for wait, _ in walked)
    lasted = sum(wait for wait, _ in walked)
    assert 0.2 < len(walked) / lasted < 2
    at = [said.at for _, said in walked]
    assert at == sorted(at)
    known = {device.visitor_id for user in WORLD.users for device in user.devices}
    assert {said.visitor.visitor_id in known for _, said in walked} == {True, False}


class Scripted(Door):
    """A server that gives these answers in turn."""

    answers: Any

    def send(self, said: Said) -> str:
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)


def walk(*answers: object) -> list[float]:
    """Let visitors walk in until the answers stop them; how long was waited before each."""
    door, waits = Scripted(8000, "dfid_x"), list[float]()
    door.answers = iter(answers)
    keep_walking(door, walk_in(1, NOW), waits.append)
    return waits


def test_the_walk_ends_when_the_server_goes() -> None:
    assert len(walk("", "wrong_host", "", ConnectionRefusedError())) == 4


def test_a_walk_without_a_server_says_how_to_start_one() -> None:
    with pytest.raises(UsageError, match=r"no server answers at http://127\.0\.0\.1:8000"):
        walk(ConnectionRefusedError())


def test_a_walk_into_another_server_says_so() -> None:
    with pytest.raises(UsageError, match="unknown_website"):
        walk("unknown_website")
