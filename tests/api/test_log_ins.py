"""What strangers can do to log-ins, and what a browser without a session is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from footfall.accounts.attempts import PER_ACCOUNT
from footfall.auth.store import create_key
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.websites.store import configuration_changed
from tests.support.dashboard import PASSWORD, Visit, enter, make_account
from tests.support.inside import Inside
from tests.support.sites import Site


@pytest.fixture
def visit(shared_server: Inside) -> Iterator[Visit]:
    made = Visit(shared_server.url)
    yield made
    made.close()


def test_log_ins_through_a_proxy_that_is_not_named_lock_nobody_else_out(
    visit: Visit, shared_server: Inside
) -> None:
    account = make_account(shared_server.place)

    def attempt(claimed: str, email: str, password: str) -> int:
        visit.http.cookies.clear()
        visit.http.headers["x-forwarded-for"] = claimed
        return visit.log_in(email, password).status_code

    assert attempt("192.0.2.1", account.email, PASSWORD) == 303
    codes = [attempt("198.51.100.7", account.email, "wrong password") for _ in range(PER_ACCOUNT + 1)]
    assert codes == [401] * PER_ACCOUNT + [429]
    assert attempt("192.0.2.1", account.email, PASSWORD) == 303


def test_wrong_present_passwords_are_limited_too(visit: Visit, shared_server: Inside) -> None:
    account = make_account(shared_server.place)
    enter(visit, shared_server.place, account)

    def change(current: str) -> int:
        return visit.post(
            "/account", form="/account", current=current, password="another password"
        ).status_code

    assert [change("wrong") for _ in range(PER_ACCOUNT)] == [400] * PER_ACCOUNT
    assert change(PASSWORD) == 429
    assert visit.is_inside()


def test_a_form_of_ours_without_a_session_comes_back_and_one_from_elsewhere_does_not(
    visit: Visit, server: Site
) -> None:
    path = f"/w/{server.website_id}/settings"
    fields = {"form_token": "x", "domain": "typed.example", "password": "secret"}
    ours = visit.http.post(path, data=fields, headers={"origin": server.url})
    assert ours.status_code == 401
    assert "The settings were not saved." in ours.text
    assert "secret" not in ours.text
    del fields["password"]
    assert "typed.example" in visit.http.post(path, data=fields, headers={"origin": server.url}).text
    for origin in ("https://evil.example", "null", ""):
        answer = visit.http.post(path, data=fields, headers={"origin": origin})
        assert (answer.status_code, answer.content) == (303, b"")


def test_a_key_made_a_moment_ago_works_at_once(server: Site) -> None:
    def make(tx: Transaction) -> str:
        made = create_key(tx, bytes.fromhex(server.website_id), "new", system_clock()).secret
        configuration_changed(tx)
        return made

    for _ in range(3):
        headers = {"authorization": f"Bearer {server.place.transact(make)}"}
        assert server.http.get("/api/v1/profiles", headers=headers).status_code == 200


def test_a_website_is_named_by_its_tracking_id_too(server: Site, visit: Visit, shared_server: Inside) -> None:
    headers = {"authorization": f"Bearer {server.token(['analytics:read'])}"}
    for name, code in (
        (server.website_id, 200),
        (server.tracking_id, 200),
        ("dfid_" + "0" * 20, 403),
        ("", 403),
    ):
        answer = server.http.get("/api/v1/profiles", params={"websiteId": name}, headers=headers)
        assert answer.status_code == code, name
    enter(visit, shared_server.place, make_account(shared_server.place))
    assert visit.get(f"/w/{server.tracking_id}/people").status_code == 200
