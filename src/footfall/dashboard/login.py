"""Log-in, log-out, the one-time link, and one's own account."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from footfall.auth.accounts import (
    Account,
    create_account,
    end_session,
    find_account,
    hash_password,
    is_password,
    is_setup_link,
    set_password,
    start_session,
)
from footfall.auth.attempts import begin_attempt, uncount_attempt
from footfall.clock import DAY_MS
from footfall.collect.service import give_salts
from footfall.dashboard.core import (
    SESSION_COOKIE,
    Call,
    Problem,
    apart,
    cookie,
    problem_of,
    redirect,
    render,
    safe_path,
)
from footfall.db.protocol import Transaction
from footfall.errors import NotFound, UsageError
from footfall.web.envelope import Reply

SESSION_SECONDS = 30 * 86_400


class Login:
    """The pages around who is logged in."""

    async def form(self, call: Call) -> Reply:
        """`GET /login`."""
        if call.account is not None:
            return redirect(call, "/")
        following = safe_path(call.query.get("next", "/"))
        return render(call, "login.html", next=following, email="", problem=None, done=call.query.get("done"))

    async def login(self, call: Call) -> Reply:
        """`POST /login`."""
        email, following = call.form.get("email", ""), safe_path(call.form.get("next", "/"))
        database = call.services.database
        address = call.services.address.find(call.context.peer, call.context.headers)
        problem, status = Problem("password", "This e-mail address and password do not match."), 401
        keys = await database.change(
            lambda tx: begin_attempt(tx, _salt(tx, call.now), email, address, call.now)
        )
        if not keys:
            problem, status = Problem("", "Too many attempts. Try again in a quarter of an hour."), 429
        else:
            found = await database.read(find_account, email)
            fits = await apart(
                lambda: is_password(found[1] if found else None, call.form.get("password", ""))
            )
            if found and fits:
                await database.change(lambda tx: uncount_attempt(tx, keys))
                return await self._enter(call, found[0], following)
        call.home = "/login?" + urlencode({"next": following})
        return render(
            call, "login.html", status=status, next=following, email=email, problem=problem, done=None
        )

    async def _enter(self, call: Call, account: Account, following: str) -> Reply:
        secret = await call.services.database.change(
            lambda tx: start_session(tx, account.account_id, call.now)
        )
        return redirect(call, following, [cookie(call, SESSION_COOKIE, secret, SESSION_SECONDS)])

    async def logout(self, call: Call) -> Reply:
        """`POST /logout`."""
        await call.services.database.change(lambda tx: end_session(tx, call.session))
        return redirect(call, "/login", [cookie(call, SESSION_COOKIE, "", 0)])

    async def setup_form(self, call: Call) -> Reply:
        """`GET /setup/{secret}`: the first account."""
        await self._check_link(call)
        return render(call, "setup.html", email="", problem=None)

    async def setup(self, call: Call) -> Reply:
        """`POST /setup/{secret}`."""
        secret = await self._check_link(call)
        form = call.form
        try:
            password_hash = await apart(lambda: hash_password(form.get("password", "")))
            account = await call.services.database.change(
                lambda tx: _create_first(tx, secret, form.get("email", ""), password_hash, call.now)
            )
        except UsageError as error:
            problem = problem_of(error)
            return render(call, "setup.html", status=400, email=form.get("email", ""), problem=problem)
        return await self._enter(call, account, "/")

    async def _check_link(self, call: Call) -> str:
        secret = call.context.path_values[0]
        if not await call.services.database.read(is_setup_link, secret):
            raise NotFound("This link was used, or a newer one was printed. An account is made by it once.")
        return secret

    async def account(self, call: Call) -> Reply:
        """`GET /account`."""
        return render(call, "account.html", problem=None)

    async def change_password(self, call: Call) -> Reply:
        """`POST /account`: a new password, which logs out everywhere."""
        database, form = call.services.database, call.form
        found = await database.read(find_account, call.user.email)
        if not await apart(lambda: is_password(found[1] if found else None, form.get("current", ""))):
            problem = Problem("current", "This is not the present password.")
            return render(call, "account.html", status=400, problem=problem)
        try:
            password_hash = await apart(lambda: hash_password(form.get("password", "")))
        except UsageError as error:
            return render(call, "account.html", status=400, problem=problem_of(error))
        await database.change(lambda tx: set_password(tx, call.user.account_id, password_hash))
        return redirect(call, "/login?done=password", [cookie(call, SESSION_COOKIE, "", 0)])


def _salt(tx: Transaction, now: int) -> bytes:
    return give_salts(tx, [(now // DAY_MS, secrets.token_bytes(32))])[0]


def _create_first(tx: Transaction, secret: str, email: str, password_hash: str, now: int) -> Account:
    tx.lock([("accounts",)])  # as create_account does, but before the link is looked at
    if not is_setup_link(tx, secret):
        raise NotFound("This link was used in the meantime.")
    return create_account(tx, email, password_hash, now)
