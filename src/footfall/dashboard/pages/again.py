"""Forms sent after their session had expired: what was typed comes back after the login, with a note that it was not done."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from footfall.dashboard.page import PageRequest, render
from footfall.dashboard.pages.sites import EXCLUSIONS, SWITCHES
from footfall.dashboard.session import safe_path
from footfall.errors import BadRequest
from footfall.web.envelope import Headers, Response

MAX_KEPT = 16_000
"""Characters of form fields that come back; for a longer form, only what was not done is shown."""
SECRET = ("password", "current", "webhook_secret", "api_key")
"""Fields that do not come back, nor does the rest of their form."""
NOT_DONE = {
    "new": "The website was not created.",
    "settings": "The settings were not saved.",
    "allow": "Nothing was allowed.",
    "signing": "The signing secret was not changed.",
    "keys": "The key was not created.",
    "tokens": "The token was not created.",
    "revoke": "Nothing was revoked.",
    "delete": "The website was not deleted.",
    "notes": "The note was not saved.",
    "notes/delete": "The note was not deleted.",
    "segments": "The segment was not saved.",
    "segments/delete": "The segment was not deleted.",
    "shares": "The link was not made.",
    "merge": "They were not merged.",
    "undo": "Nothing was undone.",
    "erase": "Nobody was erased.",
    "account": "The password was not changed.",
    "secret": "The webhook secret was not saved.",
    "key": "The provider was not connected.",
    "disconnect": "The provider was not disconnected.",
    "look": "The goal was not changed.",
    "make": "The funnel was not made.",
    "edit": "The funnel was not changed.",
    "remove": "The funnel was not deleted.",
}
"""By the last part of a form's address, or its last two where the last alone does not tell."""
UNTYPED = ("back", "id", "skip")
"""Fields that nobody typed, which say nothing to people."""
LABELS = {
    "timezone": "Time zone",
    "currency": "Currency for totals",
    "allowed_hostnames": "Other host names and app bundle ids",
    **{name: title for name, (title, _) in SWITCHES.items()},
    **{f"excluded_{name}": title for name, (title, _) in EXCLUSIONS.items()},
}
"""Labels of fields whose own name is not clear."""


class Kept(NamedTuple):
    """A form that waits for a login. `path`: where it goes; `fields`: (name, value) as they were typed."""

    path: str
    fields: list[tuple[str, str]]

    @property
    def not_done(self) -> str:
        """What did not happen."""
        *_, before, last = self.path.split("/")
        return NOT_DONE.get(f"{before}/{last}") or NOT_DONE.get(last, "Nothing was changed.")

    @property
    def text(self) -> str:
        """The fields, for use in a form."""
        return msgspec.json.encode(self.fields).decode()

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The fields, for people to read."""
        return [(_label(name), value) for name, value in self.fields if value and name not in UNTYPED]


def _label(name: str) -> str:
    """The label of a field on its form."""
    return LABELS.get(name) or name.replace("_", " ").capitalize()


def kept_of(request: PageRequest) -> Kept:
    """The form that was sent."""
    kept = Kept(request.context.path, _without_secrets(request.fields))
    is_secret = any(name in SECRET for name, _ in request.fields)
    return kept if len(kept.text) <= MAX_KEPT and not is_secret else Kept(kept.path, [])


def _without_secrets(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in fields if name not in (*SECRET, "form_token")]


def log_in_first(request: PageRequest) -> Response:
    """The login page, with the form that was sent. Whoever has logged in since sees the form at once."""
    following = request.home or "/"
    if request.account is not None:
        return offer(request, kept_of(request), following, [], status=403)
    request.home = ""
    return log_in(request, status=401, next=following, kept=kept_of(request))


def log_in(
    request: PageRequest, *, headers: Headers | None = None, status: int = 200, **values: Any
) -> Response:
    """The login page."""
    values = {"email": "", "problem": None, "done": None, "kept": None, "has_accounts": True, **values}
    return render(request, "login.html", status=status, headers=headers, **values)


def read_kept(request: PageRequest) -> Kept | None:
    """The form that waited for this login, None if there was none. Raises BadRequest."""
    path = safe_path(request.form.get("kept_path", ""))
    if path == "/" or urlsplit(path).query:
        return None
    try:
        fields = msgspec.json.decode(request.form.get("kept", ""), type=list[tuple[str, str]])
    except msgspec.DecodeError as error:
        raise BadRequest("The server could not read this form.") from error
    return Kept(path, _without_secrets(fields))


def offer(request: PageRequest, kept: Kept, back: str, headers: Headers, status: int = 200) -> Response:
    """The form as it was typed, to be sent again."""
    request.home = "/"  # not that page, because a link to the address shown would lead nowhere
    return render(request, "again.html", status=status, headers=headers, kept=kept, back=back)
