"""What the log tells of log-ins, refusals, keys and erasures: who by id or keyed hash, and nobody's data."""

from __future__ import annotations

import re

from tests.support.dashboard import PASSWORD, Visit, make_account
from tests.support.inside import Inside
from tests.support.sites import Site
from tests.support.webhooks import connect, send


def test_log_ins_refusals_keys_and_erasures_are_logged_without_personal_data(
    shared_server: Inside, server: Site
) -> None:
    account, visit = make_account(shared_server.place), Visit(shared_server.url)
    before = len(shared_server.log)
    assert visit.log_in(account.email, "wrong password").status_code == 401
    assert visit.log_in(account.email).status_code == 303
    home = f"/w/{server.website_id}"
    made = visit.post(f"{home}/keys", form=f"{home}/settings", name="mine")
    key = re.search(r"df_\w{20,}", made.text)
    assert key
    asked = server.http.get("/api/v1/visitors", headers={"authorization": "Bearer df_abc"})
    assert asked.status_code == 401
    connect(server, "stripe")
    assert send(server, "stripe", {"type": "charge.succeeded"}, secret="another").status_code == 400
    server.identify(server.pageview(), "ada@example.com")
    gone = server.http.delete(
        "/api/v1/profiles/user:ada@example.com", headers={"authorization": f"Bearer {key[0]}"}
    )
    assert gone.status_code == 200
    visit.post(f"{home}/keys/revoke", form=f"{home}/settings", id=server.key_id)
    visit.close()
    told = shared_server.log[before:]
    for what in (
        "log-in refused",
        "logged in",
        "key created",
        "key revoked",
        "call refused",
        "delivery refused",
        "person erased",
    ):
        assert f"'event': '{what}'" in told, what
    assert account.account_id.hex() in told
    for secret in (
        account.email,
        "ada@example.com",
        PASSWORD,
        "wrong password'",
        key[0],
        "df_abc",
        "127.0.0.1",
    ):
        assert secret not in told.replace("'reason': 'wrong password'", "")
