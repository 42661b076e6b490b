"""The words of connecting by key: calls to a provider's API, what they answer, and how far an import is. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from footfall.errors import FootfallError
from footfall.payments.providers.model import Delivery
from footfall.payments.providers.reading import Node

Event = dict[str, Any]
"""What a provider's webhook would have delivered."""
Query = tuple[tuple[str, str], ...]


class ApiProblem(FootfallError):
    """A provider's API did not do what was asked. `message`: a sentence without secrets.

    `is_key`: the key is wrong or too weak. `is_missing`: what was asked for is not there. `retry_after`: seconds after which the same may
    succeed; None: it will not.
    """

    def __init__(
        self,
        message: str,
        *,
        is_key: bool = False,
        is_missing: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.is_key = is_key
        self.is_missing = is_missing
        self.retry_after = retry_after


class ApiCall(msgspec.Struct, frozen=True):
    """A call of a provider's API. `path`: below its address; `needs`: the permission that the key needs, in the provider's words.

    `body`: JSON, or a form (`is_form`).
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    needs: str
    query: Query = ()
    body: bytes | None = None
    is_form: bool = False


class ImportPeriod(msgspec.Struct, frozen=True):
    """What is imported: all from `since` to the start of the import, `until` (ms since epoch)."""

    since: int
    until: int


class Listing(msgspec.Struct, frozen=True):
    """A list of a provider's API: its pages, and what webhooks would have told of each of its objects."""

    call: Callable[[ImportPeriod, str, str | None], ApiCall]
    """From period, cursor (empty: the first page) and account to the call for a page."""
    objects: Callable[[Node], list[Node]]
    """The objects of a page. Raises BadDelivery."""
    cursor: Callable[[Node, list[Node], str, ImportPeriod], str]
    """From page, its objects, its own cursor and the period to the cursor of the next page; empty: there is none. Raises BadDelivery."""
    events: Callable[[Node, ImportPeriod], list[Event]]
    """Raises BadDelivery."""


class ListPage(msgspec.Struct, frozen=True):
    """What a page of a list says. `unreadable`: why objects of it cannot be read; `cursor`: of the next page, empty without one."""

    deliveries: tuple[Delivery, ...]
    objects: int
    unreadable: tuple[str, ...]
    cursor: str


class MadeWebhook(msgspec.Struct, frozen=True):
    """A webhook that a provider made. `secret`: None where it is told elsewhere."""

    webhook_id: str
    secret: str | None


class ProviderApi(msgspec.Struct, frozen=True):
    """How Footfall uses a provider's API."""

    headers: tuple[tuple[str, str], ...]
    """Those of every call, beside that of the key."""
    key_fields: tuple[str, ...]
    """The names of fields in which a caller may give the key, beside `apiKey`."""
    account_field: str | None
    """The name of the field for the account or store, where a key may reach several."""
    listings: tuple[Listing, ...]
    """In the order in which they are imported."""
    make: Callable[[str, str, str | None], ApiCall]
    """From address, secret (for a provider that lets the caller choose) and account to the call that makes the webhook."""
    made: Callable[[Node, str], MadeWebhook]
    """What is answered to it; with the secret that was chosen. Raises BadDelivery."""
    remove: Callable[[str], ApiCall]
    """Removes a webhook, by its id."""
    ask_secret: Callable[[str], ApiCall] | None = None
    """Asks for the secret of a webhook, by its id."""
    secret: Callable[[Node], str] | None = None
    """What is answered to it. Raises BadDelivery."""
    ask_accounts: ApiCall | None = None
    """Asks for the accounts that the key reaches, where one must be named."""
    account: Callable[[Node], str | None] | None = None
    """The account, if the answer names exactly one. Raises BadDelivery."""


ImportState = Literal["running", "done", "failed"]


class ImportProgress(msgspec.Struct, frozen=True):
    """How far an import is. `listing`, `cursor`: the page that comes next; `objects`: read so far; `unreadable`: those of them that were not.

    `reason`: why it failed, or why the first unreadable object is. `ended_at`: ms since epoch.
    """

    state: ImportState = "running"
    listing: int = 0
    cursor: str = ""
    objects: int = 0
    unreadable: int = 0
    reason: str | None = None
    ended_at: int | None = None


class KeyConnection(msgspec.Struct, frozen=True):
    """A website that was connected to a provider by key. `sealed_key`: the key, encrypted, if it is kept.

    `held_until`: until then (ms since epoch) somebody who has the key works on the import.
    """

    website_id: bytes
    provider: str
    webhook_id: str
    account: str | None
    sealed_key: bytes | None
    run_id: bytes
    period: ImportPeriod
    progress: ImportProgress
    held_until: int

    def needs_key(self, now: int) -> bool:
        """Whether the import stands still, since nobody has the key any more."""
        return self.progress.state == "running" and self.sealed_key is None and self.held_until < now


class KeyCall(msgspec.Struct, frozen=True):
    """What somebody gave to connect a provider by key. `account`: the provider's store or organization, where it must be named."""

    key: str
    account: str | None = None
    is_kept: bool = False


class Disconnected(msgspec.Struct, frozen=True):
    """A provider was disconnected. `is_removed`: whether the webhook is gone there; None: Footfall had made none. `problem`: why it is not."""

    is_removed: bool | None
    webhook_id: str | None = None
    problem: str | None = None
