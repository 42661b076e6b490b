"""Who gets into the dashboard, and what a form needs to be believed."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from footfall.accounts.accounts import MIN_PASSWORD
from footfall.accounts.attempts import PER_ACCOUNT, PER_ADDRESS, WINDOW_MS
from footfall.accounts.model import Account
from footfall.accounts.sessions import SESSION_DAYS, end_session
from footfall.clock import DAY_MS, system_clock
from footfall.dashboard.pages.live import LIVE_SECONDS
from tests.conftest import MakeInside, MakeServer
from tests.support.dashboard import CLOSED, OPEN, PASSWORD, TABLE, Visit, enter, filled, make_account
from tests.support.engines import Place
from tests.support.inside import Inside, SetClock
from tests.support.servers import RunningServer, run_command, run_json
from tests.support.sites import Site, new_visitor

FORMS = [route.path for route in TABLE if route.method == "POST" and route.path not in OPEN]
HOMES = {
    "/logout": "/",
    "/tokens/revoke": "/tokens",
    "/w/{websiteId}/delete": "/w/{websiteId}/settings#delete",
    "/w/{websiteId}/signing": "/w/{websiteId}/settings#signing",
    "/w/{websiteId}/allow": "/w/{websiteId}/settings#install",
    "/w/{websiteId}/keys": "/w/{websiteId}/settings#keys",
    "/w/{websiteId}/keys/revoke": "/w/{websiteId}/settings#keys",
    "/w/{websiteId}/settings/payments/{provider}/key": "/w/{websiteId}/settings/payments?provider={provider}",
    "/w/{websiteId}/settings/payments/{provider}/secret": "/w/{websiteId}/settings/payments?provider={provider}",
    "/w/{websiteId}/settings/payments/{provider}/disconnect": "/w/{websiteId}/settings/payments?provider={provider}",
    "/w/{websiteId}/segments": "/w/{websiteId}/overview",
    "/w/{websiteId}/goals/look": "/w/{websiteId}/goals",
    "/w/{websiteId}/funnels/make": "/w/{websiteId}/funnels/new",
    "/w/{websiteId}/funnels/{funnelId}/remove": "/w/{websiteId}/funnels",
    "/w/{websiteId}/segments/delete": "/w/{websiteId}/overview",
    "/w/{websiteId}/notes": "/w/{websiteId}/overview",
    "/w/{websiteId}/notes/delete": "/w/{websiteId}/overview",
    "/w/{websiteId}/health/settle": "/w/{websiteId}/health",
    "/w/{websiteId}/health/reopen": "/w/{websiteId}/health",
    "/w/{websiteId}/shares/allow": "/w/{websiteId}/shares",
    "/w/{websiteId}/shares/revoke": "/w/{websiteId}/shares",
    "/w/{websiteId}/people/{ref}/undo": "/w/{websiteId}/people/{ref}?ledger=1",
    "/w/{websiteId}/people/{ref}/erase": "/w/{websiteId}/people/{ref}",
}
"""The pages of forms that are sent elsewhere than to their own page."""


# Strangers


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_nothing_answers_without_a_session(visit: Visit, server: Site, method: str, path: str) -> None:
    at = filled(path, server)
    token = {"form_token": visit.token()} if method == "POST" else None
    answer = visit.http.request(method, at, data=token)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert answer.content == b""
    assert visit.get(answer.headers["location"]).status_code == 200
    if method == "POST":  # back to the page of the form
        following = parse_qs(urlsplit(answer.headers["location"]).query)["next"][0]
        assert following == filled(HOMES.get(path, path), server)


def test_only_log_in_first_run_shared_links_and_static_files_are_open() -> None:
    tried = {path for _, path in CLOSED}
    assert {route.path for route in TABLE} == tried | OPEN


@pytest.mark.parametrize("secret", ["", "x", "a" * 43, "a=b; c"])
def test_an_invented_session_is_none(visit: Visit, secret: str) -> None:
    answer = visit.get(
        "/account", headers={"cookie": f"footfall_session={secret}".encode().decode("latin-1")}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Faccount")


def test_a_stream_ends_with_the_session(
    visit: Visit, server: Site, shared_server: Inside, account: Account
) -> None:
    secret = enter(visit, shared_server.place, account)
    with visit.http.stream("GET", f"/w/{server.website_id}/live/stream") as answer:
        parts = answer.iter_text()
        assert next(parts).startswith("retry:")
        shared_server.place.transact(lambda tx: end_session(tx, secret))
        assert sum(1 for _ in parts) < LIVE_SECONDS // 2


def test_a_session_ends_by_itself(visit: Visit, shared_server: Inside, account: Account) -> None:
    now = system_clock()
    enter(visit, shared_server.place, account, now - SESSION_DAYS * DAY_MS - 1000)
    assert not visit.is_inside()
    enter(visit, shared_server.place, account, now - SESSION_DAYS * DAY_MS + 60_000)
    assert visit.is_inside()


def test_one_comes_back_to_the_page_one_asked_for(visit: Visit, server: Site, account: Account) -> None:
    wanted = f"/w/{server.website_id}/people?search=ada&trait.plan=pro"
    login = visit.get(wanted).headers["location"]
    following = re.search(r'name="next" value="([^"]*)"', visit.get(login).text)
    assert following
    answer = visit.post(
        "/login", email=account.email, password=PASSWORD, next=following[1].replace("&amp;", "&")
    )
    assert answer.headers["location"] == wanted
    assert visit.get(wanted).status_code == 200


@pytest.mark.parametrize(
    "following",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "", "/\tx", "javascript:1"],
)
def test_nobody_is_sent_elsewhere_after_a_log_in(visit: Visit, account: Account, following: str) -> None:
    answer = visit.post("/login", email=account.email, password=PASSWORD, next=following)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


# Forms


@pytest.mark.parametrize("path", FORMS)
def test_a_form_needs_the_token_of_its_session(
    inside: Visit,
    visits: Callable[..., Visit],
    server: Site,
    shared_server: Inside,
    account: Account,
    path: str,
) -> None:
    at = filled(path, server)
    stranger = visits()
    enter(stranger, shared_server.place, account)
    for token in (
        None,
        "",
        "0" * 64,
        "0" * 128,
        "f" * 500,
        "no hex",
        stranger.token("/account"),
        visits().token(),
    ):
        answer = inside.http.post(at, data={"x": "y"} if token is None else {"form_token": token})
        assert answer.status_code == 403, path
        assert "form has expired" in answer.text
    assert inside.is_inside()


@pytest.mark.parametrize("path", HOMES)
def test_whoever_opens_the_address_of_a_form_comes_to_its_page(
    inside: Visit, server: Site, path: str
) -> None:
    server.identify(server.pageview(), "A", {})
    answer = inside.get(filled(path, server))
    assert (answer.status_code, answer.headers["location"]) == (303, filled(HOMES[path], server))
    assert inside.get(answer.headers["location"]).status_code in (200, 303)


def test_after_a_log_in_one_comes_to_the_page_of_the_form_that_was_sent(
    visit: Visit, server: Site, account: Account
) -> None:
    path = f"/w/{server.website_id}/people/user:a%2Fb%3F/undo"
    login = visit.http.post(path, data={"form_token": visit.token()}).headers["location"]
    following = re.search(r'name="next" value="([^"]*)"', visit.get(login).text)
    assert following
    answer = visit.post("/login", email=account.email, password=PASSWORD, next=following[1])
    assert answer.headers["location"] == path.removesuffix("/undo") + "?ledger=1"


def test_a_form_without_a_body_is_refused_too(
    visits: Callable[..., Visit], socket_server: RunningServer, socket_site: Site
) -> None:
    inside = visits(socket_server.url)
    secret = enter(inside, socket_server.place, make_account(socket_server.place))
    for path in FORMS:
        connection = http.client.HTTPConnection("127.0.0.1", socket_server.port)
        connection.putrequest("POST", filled(path, socket_site))
        connection.putheader("cookie", f"footfall_session={secret}")
        connection.endheaders()
        assert connection.getresponse().status == 403, path
        connection.close()
    assert inside.is_inside()


def test_a_log_in_needs_the_token_of_its_browser(
    visit: Visit, visits: Callable[..., Visit], account: Account
) -> None:
    fields = {"email": account.email, "password": PASSWORD}
    assert visit.http.post("/login", data=fields).status_code == 403
    assert visit.http.post("/login", data={**fields, "form_token": visits().token()}).status_code == 403
    assert not visit.is_inside()


def test_pages_come_compressed_and_their_length_tells_nothing_of_the_token(
    inside: Visit,
) -> None:
    plain = inside.get("/account", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    packed = [inside.get("/account") for _ in range(20)]
    for answer in (plain, *packed):
        assert answer.headers["vary"] == "accept-encoding"
    lengths = {int(one.headers["content-length"]) for one in packed}
    assert len(lengths) > 5
    assert max(lengths) < len(plain.content) / 2
    token = re.compile("[0-9a-f]{128}")
    assert {token.sub("", one.text) for one in packed} == {token.sub("", plain.text)}
    assert len({inside.token("/account") for _ in range(5)}) == 5


def test_a_form_that_cannot_be_read_is_refused(inside: Visit) -> None:
    token = inside.token("/account")
    for body in (b"\xff\xfe", b"a=%ff", b"current=%00&form_token=" + token.encode()):
        answer = inside.http.post("/account", content=body)
        assert answer.status_code == 400, body
    assert inside.http.post("/account", content=b"a=" + b"b" * 70_000).status_code == 413


# Log-in and log-out


def test_log_in_and_log_out(visit: Visit, visits: Callable[..., Visit], account: Account) -> None:
    answer = visit.log_in(account.email.upper())
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    (given,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith("footfall_session=")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(given.split("; "))
    assert "Secure" not in given
    assert visit.is_inside()
    secret = visit.http.cookies["footfall_session"]
    out = visit.post("/logout", form="/account")
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    thief = visits()
    thief.http.cookies.set("footfall_session", secret)
    assert not thief.is_inside()


def test_a_wrong_password_and_an_unknown_account_look_the_same(visit: Visit, account: Account) -> None:
    wrong = visit.log_in(account.email, "not the password")
    unknown = visit.log_in(f"{new_visitor()}@example.com", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    without = [re.sub(r'value="[^"]*"', "", answer.text) for answer in (wrong, unknown)]
    assert without[0] == without[1]
    assert not visit.is_inside()


def test_log_ins_are_limited_per_account_and_per_address(
    start_inside: MakeInside, visits: Callable[..., Visit]
) -> None:
    clock = SetClock(system_clock())
    running = start_inside({"FOOTFALL_TRUSTED_PROXIES": "127.0.0.0/8"}, clock=clock)
    first, second = make_account(running.place), make_account(running.place)
    many, single = "192.0.2", "198.51.100"

    def attempt(address: str, email: str, password: str = "typed amiss") -> int:
        return visits(running.url, X_Forwarded_For=address).log_in(email, password).status_code

    assert {attempt(f"{many}.1", first.email, PASSWORD) for _ in range(PER_ACCOUNT + 1)} == {303}
    codes = [attempt(f"{many}.{n}", first.email) for n in range(2, PER_ACCOUNT + 2)]
    assert codes == [401] * PER_ACCOUNT
    assert attempt(f"{many}.99", first.email, PASSWORD) == 429
    assert attempt(f"{many}.1", first.email, PASSWORD) == 303  # known, so strangers do not lock it out
    assert attempt(f"{many}.99", second.email, PASSWORD) == 303

    codes = [attempt(f"{single}.1", f"{n}@example.com") for n in range(PER_ADDRESS)]
    assert codes == [401] * PER_ADDRESS
    assert attempt(f"{single}.1", second.email, PASSWORD) == 429
    assert attempt(f"{single}.2", second.email, PASSWORD) == 303
    for private in (first.email, f"{many}.", f"{single}.", "typed amiss", PASSWORD):
        assert private not in running.log

    clock.move(WINDOW_MS)
    assert (
        attempt(f"{many}.99", first.email, PASSWORD) == attempt(f"{single}.1", second.email, PASSWORD) == 303
    )


# Passwords


def test_a_new_password_logs_out_everywhere(
    visit: Visit, visits: Callable[..., Visit], shared_server: Inside
) -> None:
    account = make_account(shared_server.place)
    elsewhere = visits()
    for one in (visit, elsewhere):
        enter(one, shared_server.place, account)
    new = "another password"
    wrong = visit.post("/account", form="/account", current="not it", password=new)
    assert (wrong.status_code, "not your current password" in wrong.text) == (400, True)
    short = visit.post("/account", form="/account", current=PASSWORD, password="x" * (MIN_PASSWORD - 1))
    assert (short.status_code, "Use 10 to 200 characters." in short.text) == (400, True)
    assert elsewhere.is_inside()
    done = visit.post("/account", form="/account", current=PASSWORD, password=new)
    assert (done.status_code, done.headers["location"]) == (303, "/login?done=password")
    assert "Your password was changed" in visit.get("/login?done=password").text
    assert not visit.is_inside()
    assert not elsewhere.is_inside()
    assert visit.log_in(account.email).status_code == 401
    assert visit.log_in(account.email, new).status_code == 303


def test_a_removed_account_is_out_at_once_and_the_last_one_stays_unless_told(
    start_inside: MakeInside, visits: Callable[..., Visit]
) -> None:
    running = start_inside()
    accounts = [make_account(running.place, f"{name}@example.com") for name in ("ada", "bo")]
    inside = [visits(running.url) for _ in accounts]
    for visit, account in zip(inside, accounts, strict=True):
        enter(visit, running.place, account)
    ran = run_command(running.place, "account", "remove", "Bo@example.com")
    assert ran.code == 0, ran
    assert [visit.is_inside() for visit in inside] == [True, False]
    assert visits(running.url).log_in("bo@example.com").status_code == 401
    unknown = run_command(running.place, "account", "remove", "bo@example.com")
    assert (unknown.code, "no account" in unknown.errors) == (1, True), unknown
    last = run_command(running.place, "account", "remove", "ada@example.com")
    assert (last.code, "last account" in last.errors) == (1, True), last
    assert inside[0].is_inside()
    assert run_command(running.place, "account", "remove", "ada@example.com", "--yes").code == 0
    assert not inside[0].is_inside()
    assert run_json(running.place, "account", "list") == []


def test_a_new_password_logs_out_in_every_process(start: MakeServer, visits: Callable[..., Visit]) -> None:
    one = start()
    account = make_account(one.place, "ada@example.com")
    servers = [one, *([start(None, one.place)] if one.place.engine == "postgres" else [])]
    inside = [visits(running.url) for running in servers]
    for visit in inside:
        enter(visit, one.place, account)
        assert visit.is_inside()
    ran = run_command(one.place, "account", "password", "ada@example.com", typed="a longer password\n")
    assert ran.code == 0, ran
    assert not any(visit.is_inside() for visit in inside)
    if len(servers) == 2:
        here, there = visits(servers[0].url), visits(servers[1].url)
        assert here.log_in(account.email, "a longer password").status_code == 303
        there.http.cookies.set("footfall_session", here.http.cookies["footfall_session"])
        assert there.is_inside()
        assert here.post("/logout", form="/account").status_code == 303
        assert not there.is_inside()


# The first account


def test_the_link_of_the_first_start_makes_one_account(
    start_inside: MakeInside, visits: Callable[..., Visit]
) -> None:
    running = start_inside()
    path = setup_path(running)
    visit = visits(running.url)
    assert visit.get("/setup/x").status_code == 404
    short = visit.post(path, form=path, email="ada@example.com", password="short")
    assert (short.status_code, "Use 10 to 200 characters." in short.text) == (400, True)
    assert visit.post(path, form=path, email="ada", password=PASSWORD).status_code == 400
    other = visits(running.url)
    late = other.token(path)
    made = visit.post(path, form=path, email="Ada@Example.com", password=PASSWORD)
    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert visit.is_inside()
    assert visit.get(path).status_code == 404
    again = other.http.post(path, data={"form_token": late, "email": "eve@example.com", "password": PASSWORD})
    assert again.status_code == 404
    assert [one["email"] for one in run_json(running.place, "account", "list")] == ["ada@example.com"]
    assert PASSWORD not in running.log


def test_a_link_is_replaced_at_the_next_start_and_gone_with_the_first_account(
    start_inside: MakeInside, visits: Callable[..., Visit]
) -> None:
    running = start_inside()
    before = setup_path(running)
    running.stop()
    running = start_inside(None, running.place)
    visit = visits(running.url)
    now = setup_path(running)
    assert visit.get(before).status_code == 404
    assert visit.get(now).status_code == 200
    make_account(running.place)
    assert visit.get(now).status_code == 404


def setup_path(running: Inside) -> str:
    """The path of the one-time link of a start."""
    return f"/setup/{running.welcome.setup_secret}"


# Accounts by command


def test_accounts_by_command(place: Place) -> None:
    run_json(place, "db", "migrate")
    made = run_command(place, "account", "create", "Bea@Example.com", typed=f"{PASSWORD}\n")
    assert (made.code, "bea@example.com" in made.output) == (0, True), made
    for email, password, word in (
        ("bea@example.com", PASSWORD, "already"),
        ("bea", PASSWORD, "email"),
        ("c@example.com", "short", "password"),
    ):
        ran = run_command(place, "account", "create", email, typed=f"{password}\n")
        assert (ran.code, word in ran.errors) == (1, True), ran
    ran = run_command(place, "account", "password", "nobody@example.com", typed=f"{PASSWORD}\n")
    assert (ran.code, "no account" in ran.errors) == (1, True), ran
    assert [one["email"] for one in run_json(place, "account", "list")] == ["bea@example.com"]
