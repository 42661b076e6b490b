"""Login, logout, the one-time link, and the user's own account."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from footfall.accounts.accounts import (
    clean_email,
    create_account,
    find_account,
    hash_password,
    is_password,
    is_setup_link,
    list_accounts,
    open_session,
    set_password,
)
from footfall.accounts.attempts import begin_attempt, begin_change, remember_address, uncount_attempt
from footfall.accounts.model import Account, Credentials
from footfall.accounts.passwords import Passwords
from footfall.accounts.sessions import end_session, find_session, start_session
from footfall.clock import DAY_MS
from footfall.collect.service import give_salts
from footfall.dashboard.forms import Problem, problem_of
from footfall.dashboard.page import PageRequest, cookie, redirect, render
from footfall.dashboard.pages.again import Kept, log_in, offer, read_kept
from footfall.dashboard.session import SESSION_COOKIE, safe_path
from footfall.db.protocol import Transaction
from footfall.errors import FieldError, NotFound, Unavailable, accepted
from footfall.ip import parse_ip
from footfall.log import get_logger
from footfall.web.address import last_hop
from footfall.web.envelope import Response

SESSION_SECONDS = 30 * 86_400
TOO_MANY = Problem("", "Too many attempts. Try again in a quarter of an hour.")

_log = get_logger("dashboard")


class Login:
    """The pages about logging in and the account."""

    def __init__(self) -> None:
        self._passwords = Passwords()

    async def form(self, request: PageRequest) -> Response:
        """`GET /login`."""
        if request.account is not None:
            return redirect(request, "/")
        following = safe_path(request.query.get("next", "/"))
        accounts = await request.services.database.read(lambda tx, _: list_accounts(tx), None)
        return log_in(request, next=following, done=request.query.get("done"), has_accounts=bool(accounts))

    async def login(self, request: PageRequest) -> Response:
        """`POST /login`."""
        email, following = request.form.get("email", ""), safe_path(request.form.get("next", "/"))
        kept = read_kept(request)
        problem, status = Problem("password", "This e-mail address and password do not match."), 401
        keys = await request.services.database.change(
            lambda tx: begin_attempt(tx, _salt(tx, request.now), email, came_from(request), request.now)
        )
        if not keys:
            problem, status = TOO_MANY, 429
        elif (secret := await self._check(request, email, keys)) is not None:
            return (
                await self._enter_and_offer(request, secret, kept, following)
                if kept
                else _enter(request, secret, following)
            )
        _tell_refused("log-in refused", keys)
        request.home = "/login?" + urlencode({"next": following})
        return log_in(request, status=status, next=following, email=email, problem=problem, kept=kept)

    async def _enter_and_offer(
        self, request: PageRequest, secret: str, kept: Kept, following: str
    ) -> Response:
        """If a form was sent before the login, it is shown again."""
        request.session = secret
        request.account = await request.services.database.read(find_session, (secret, request.now))
        return offer(request, kept, following, [_session_cookie(request, secret)])

    async def _check(self, request: PageRequest, email: str, keys: list[bytes]) -> str | None:
        """The secret of a new session, if the password is right. Raises Unavailable; then the attempt does not count."""
        found = await request.services.database.read(find_account, email)
        if not await self._fits(request, found, "password", keys) or found is None:
            return None

        def enter(tx: Transaction) -> str | None:
            uncount_attempt(tx, keys)
            remember_address(tx, email, came_from(request), request.now)
            return open_session(tx, found.account, found.password_hash, request.now)

        secret = await request.services.database.change(enter)
        if secret is not None:
            _log.info("logged in", account=found.account.account_id.hex())
        return secret

    async def _fits(
        self, request: PageRequest, found: Credentials | None, field: str, keys: list[bytes]
    ) -> bool:
        """Whether the password in a field of the form is the account's. Raises Unavailable; then the attempt does not count."""
        password_hash, given = found.password_hash if found else None, request.form.get(field, "")
        try:
            return await self._passwords.run(lambda: is_password(password_hash, given))
        except Unavailable:
            await request.services.database.change(lambda tx: uncount_attempt(tx, keys))
            raise

    async def logout(self, request: PageRequest) -> Response:
        """`POST /logout`."""
        await request.services.database.change(lambda tx: end_session(tx, request.session))
        return redirect(request, "/login", [cookie(request, SESSION_COOKIE, "", 0)])

    async def setup_form(self, request: PageRequest) -> Response:
        """`GET /setup/{secret}`: the first account."""
        await self._check_link(request)
        return render(request, "setup.html", email="", problem=None)

    async def setup(self, request: PageRequest) -> Response:
        """`POST /setup/{secret}`."""
        secret = await self._check_link(request)
        form = request.form

        def make(tx: Transaction) -> str | NotFound | FieldError:
            account = _create_first(tx, secret, email, password_hash, request.now)
            if not isinstance(account, Account):
                return account
            remember_address(tx, account.email, came_from(request), request.now)
            return start_session(tx, account.account_id, request.now)

        try:
            email = clean_email(form.get("email", ""))
            password_hash = await self._passwords.run(lambda: hash_password(form.get("password", "")))
            session = accepted(await request.services.database.change(make))
        except FieldError as error:
            problem = problem_of(error)
            return render(request, "setup.html", status=400, email=form.get("email", ""), problem=problem)
        return _enter(request, session, "/")

    async def _check_link(self, request: PageRequest) -> str:
        secret = request.context.path_values[0]
        if not await request.services.database.read(is_setup_link, secret):
            raise NotFound("This link has been used, or a newer one was printed. It works only once.")
        return secret

    async def account(self, request: PageRequest) -> Response:
        """`GET /account`."""
        return render(request, "account.html", problem=None)

    async def change_password(self, request: PageRequest) -> Response:
        """`POST /account`: a new password, which logs the account out everywhere."""
        database, user = request.services.database, request.user
        keys = await database.change(
            lambda tx: begin_change(tx, _salt(tx, request.now), user.account_id, request.now)
        )
        if not keys:
            _tell_refused("change of password refused", keys)
            return render(request, "account.html", status=429, problem=TOO_MANY)
        found = await database.read(find_account, user.email)
        problem: Problem | None = Problem("current", "This is not your current password.")
        if found and await self._fits(request, found, "current", keys):
            await database.change(lambda tx: uncount_attempt(tx, keys))
            problem = await self._change(request, was=found.password_hash)
        else:
            _tell_refused("change of password refused", keys)
        if problem is not None:
            return render(request, "account.html", status=400, problem=problem)
        return redirect(request, "/login?done=password", [cookie(request, SESSION_COOKIE, "", 0)])

    async def _change(self, request: PageRequest, was: str) -> Problem | None:
        """Change the account's password. Returns what is wrong, if anything."""
        user, given = request.user, request.form.get("password", "")
        try:
            password_hash = await self._passwords.run(lambda: hash_password(given))
        except FieldError as error:
            return problem_of(error)
        if not await request.services.database.change(lambda tx: set_password(tx, user, password_hash, was)):
            return Problem("current", "The password was changed in the meantime.")
        _log.info("password changed", account=user.account_id.hex())
        return None


def _tell_refused(what: str, keys: list[bytes]) -> None:
    """Log it. `keys`: by which it was counted, of the account and the address; they are hashed with a secret of the day."""
    counted = dict(zip(("account", "address"), (key[:6].hex() for key in keys), strict=False))
    _log.warning(what, reason="wrong password" if keys else "too many attempts", **counted)


def _enter(request: PageRequest, session: str, following: str) -> Response:
    return redirect(request, following, [_session_cookie(request, session)])


def _session_cookie(request: PageRequest, session: str) -> tuple[bytes, bytes]:
    return cookie(request, SESSION_COOKIE, session, SESSION_SECONDS)


def came_from(request: PageRequest) -> str:
    """The address by which logins are counted.

    Behind a proxy that the settings do not name, everybody has the proxy's address. Then the last one that it claims is used: whoever
    makes one up has only the attempts of an unknown address.
    """
    peer, headers = request.context.peer, request.context.headers
    found = request.services.address.find(peer, headers)
    local = parse_ip(peer)
    if found != peer or local is None or not (local.is_private or local.is_loopback):
        return found
    return last_hop(headers) or peer


def _salt(tx: Transaction, now: int) -> bytes:
    return give_salts(tx, [(now // DAY_MS, secrets.token_bytes(32))])[0]


def _create_first(
    tx: Transaction, secret: str, email: str, password_hash: str, now: int
) -> Account | NotFound | FieldError:
    tx.lock([("accounts",)])  # as create_account does, but before the link is checked
    if not is_setup_link(tx, secret):
        return NotFound("This link has been used in the meantime.")
    return create_account(tx, email, password_hash, now)
