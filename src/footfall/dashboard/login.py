"""Log-in, log-out, the one-time link, and one's own account."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from footfall.auth.accounts import (
    Account,
    Credentials,
    clean_email,
    create_account,
    end_session,
    find_account,
    find_session,
    hash_password,
    is_password,
    is_setup_link,
    list_accounts,
    open_session,
    set_password,
    start_session,
)
from footfall.auth.attempts import begin_attempt, begin_change, remember_address, uncount_attempt
from footfall.auth.passwords import Passwords
from footfall.clock import DAY_MS
from footfall.collect.service import give_salts
from footfall.dashboard.again import Kept, log_in, offer, read_kept
from footfall.dashboard.core import (
    SESSION_COOKIE,
    Call,
    Problem,
    cookie,
    problem_of,
    redirect,
    render,
    safe_path,
)
from footfall.db.protocol import Transaction
from footfall.errors import FieldError, NotFound, Unavailable, accepted
from footfall.ip import parse_ip
from footfall.web.address import last_hop
from footfall.web.envelope import Reply

SESSION_SECONDS = 30 * 86_400


TOO_MANY = Problem("", "Too many attempts. Try again in a quarter of an hour.")


class Login:
    """The pages around who is logged in."""

    def __init__(self) -> None:
        self._passwords = Passwords()

    async def form(self, call: Call) -> Reply:
        """`GET /login`."""
        if call.account is not None:
            return redirect(call, "/")
        following = safe_path(call.query.get("next", "/"))
        accounts = await call.services.database.read(lambda tx, _: list_accounts(tx), None)
        return log_in(call, next=following, done=call.query.get("done"), has_accounts=bool(accounts))

    async def login(self, call: Call) -> Reply:
        """`POST /login`."""
        email, following = call.form.get("email", ""), safe_path(call.form.get("next", "/"))
        kept = read_kept(call)
        problem, status = Problem("password", "This e-mail address and password do not match."), 401
        keys = await call.services.database.change(
            lambda tx: begin_attempt(tx, _salt(tx, call.now), email, came_from(call), call.now)
        )
        if not keys:
            problem, status = TOO_MANY, 429
        elif (secret := await self._check(call, email, keys)) is not None:
            return (
                await self._enter_and_offer(call, secret, kept, following)
                if kept
                else _enter(call, secret, following)
            )
        call.home = "/login?" + urlencode({"next": following})
        return log_in(call, status=status, next=following, email=email, problem=problem, kept=kept)

    async def _enter_and_offer(self, call: Call, secret: str, kept: Kept, following: str) -> Reply:
        """Whoever sent a form before the log-in sees it again."""
        call.session = secret
        call.account = await call.services.database.read(find_session, (secret, call.now))
        return offer(call, kept, following, [_session_cookie(call, secret)])

    async def _check(self, call: Call, email: str, keys: list[bytes]) -> str | None:
        """The secret of a new session, if the password is right. Raises Unavailable, and then the attempt does not count."""
        found = await call.services.database.read(find_account, email)
        if not await self._fits(call, found, "password", keys) or found is None:
            return None

        def enter(tx: Transaction) -> str | None:
            uncount_attempt(tx, keys)
            remember_address(tx, email, came_from(call), call.now)
            return open_session(tx, found.account, found.password_hash, call.now)

        return await call.services.database.change(enter)

    async def _fits(self, call: Call, found: Credentials | None, field: str, keys: list[bytes]) -> bool:
        """Whether the password in a field of the form is that of the account. Raises Unavailable, and then the attempt does not count."""
        password_hash, given = found.password_hash if found else None, call.form.get(field, "")
        try:
            return await self._passwords.run(lambda: is_password(password_hash, given))
        except Unavailable:
            await call.services.database.change(lambda tx: uncount_attempt(tx, keys))
            raise

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

        def make(tx: Transaction) -> str | NotFound | FieldError:
            account = _create_first(tx, secret, email, password_hash, call.now)
            if not isinstance(account, Account):
                return account
            remember_address(tx, account.email, came_from(call), call.now)
            return start_session(tx, account.account_id, call.now)

        try:
            email = clean_email(form.get("email", ""))
            password_hash = await self._passwords.run(lambda: hash_password(form.get("password", "")))
            session = accepted(await call.services.database.change(make))
        except FieldError as error:
            problem = problem_of(error)
            return render(call, "setup.html", status=400, email=form.get("email", ""), problem=problem)
        return _enter(call, session, "/")

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
        database, user = call.services.database, call.user
        keys = await database.change(
            lambda tx: begin_change(tx, _salt(tx, call.now), user.account_id, call.now)
        )
        if not keys:
            return render(call, "account.html", status=429, problem=TOO_MANY)
        found = await database.read(find_account, user.email)
        problem: Problem | None = Problem("current", "This is not the present password.")
        if found and await self._fits(call, found, "current", keys):
            await database.change(lambda tx: uncount_attempt(tx, keys))
            problem = await self._change(call, was=found.password_hash)
        if problem is not None:
            return render(call, "account.html", status=400, problem=problem)
        return redirect(call, "/login?done=password", [cookie(call, SESSION_COOKIE, "", 0)])

    async def _change(self, call: Call, was: str) -> Problem | None:
        """Give the account the new password; what is wrong with that."""
        user, given = call.user, call.form.get("password", "")
        try:
            password_hash = await self._passwords.run(lambda: hash_password(given))
        except FieldError as error:
            return problem_of(error)
        if not await call.services.database.change(lambda tx: set_password(tx, user, password_hash, was)):
            return Problem("current", "The password was changed in the meantime.")
        return None


def _enter(call: Call, session: str, following: str) -> Reply:
    return redirect(call, following, [_session_cookie(call, session)])


def _session_cookie(call: Call, session: str) -> tuple[bytes, bytes]:
    return cookie(call, SESSION_COOKIE, session, SESSION_SECONDS)


def came_from(call: Call) -> str:
    """The address by which log-ins are counted.

    Behind a proxy that the settings do not name, everybody has the proxy's. Then the last one that it claims is told apart: whoever
    makes one up has only the attempts of an address of which nothing is known.
    """
    peer, headers = call.context.peer, call.context.headers
    found = call.services.address.find(peer, headers)
    local = parse_ip(peer)
    if found != peer or local is None or not (local.is_private or local.is_loopback):
        return found
    return last_hop(headers) or peer


def _salt(tx: Transaction, now: int) -> bytes:
    return give_salts(tx, [(now // DAY_MS, secrets.token_bytes(32))])[0]


def _create_first(
    tx: Transaction, secret: str, email: str, password_hash: str, now: int
) -> Account | NotFound | FieldError:
    tx.lock([("accounts",)])  # as create_account does, but before the link is looked at
    if not is_setup_link(tx, secret):
        return NotFound("This link was used in the meantime.")
    return create_account(tx, email, password_hash, now)
