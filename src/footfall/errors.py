"""Every error that can be shown to a caller.

FootfallError
├── ApiError                  has an HTTP status and says whether to try again
│   ├── BadRequest       400  names the field and what to do
│   ├── Unauthorized     401
│   ├── Forbidden        403
│   ├── NotFound         404
│   ├── MethodNotAllowed 405
│   ├── RequestTimeout   408  try again
│   ├── Conflict         409
│   ├── TooLarge         413
│   ├── TargetTooLong    414
│   ├── UnsupportedMedia 415
│   ├── TooManyRequests  429  try again after a while
│   ├── HeadTooLarge     431
│   ├── InternalError    500
│   └── Unavailable      503  try again after a while
├── DatabaseError             the store cannot do this now; becomes Unavailable on the wire
│   ├── DatabaseBusy          another process holds it
│   ├── DatabaseConflict      two transactions got in each other's way; retrying may succeed
│   ├── DatabaseCrowded       there is no room for so large a transaction; a smaller one may succeed
│   ├── ColumnsUnusable       the columns are missing, damaged, or another database's: they have to be made anew
│   └── SchemaMismatch        the schema is older or newer than this program, or its texts are not UTF-8
└── UsageError                a command was given something it cannot use
    └── FieldError            one field of what a command or form was given

`footfall.web.envelope` is the one place that renders them.
"""

from __future__ import annotations

from typing import ClassVar, TypeVar

T = TypeVar("T")


class FootfallError(Exception):
    """Root of the tree."""


class ApiError(FootfallError):
    """An answer with an error status. `message` is shown to the caller unchanged."""

    status: ClassVar[int] = 500
    retry_after: int | None = None
    """Seconds after which the same call may succeed; None: the same call will fail again."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadRequest(ApiError):
    status = 400


class Unauthorized(ApiError):
    status = 401


class Forbidden(ApiError):
    status = 403


class NotFound(ApiError):
    status = 404


class MethodNotAllowed(ApiError):
    status = 405

    def __init__(self, allowed: list[str]) -> None:
        super().__init__(f"This route answers {', '.join(sorted(allowed))} only.")
        self.allowed = sorted(allowed)


class RequestTimeout(ApiError):
    status = 408
    retry_after = 1


class Conflict(ApiError):
    status = 409


class TooLarge(ApiError):
    status = 413


class TargetTooLong(ApiError):
    status = 414


class UnsupportedMedia(ApiError):
    status = 415


class TooManyRequests(ApiError):
    """Of `limit` calls per window only `remaining` are left; `reset_at` (ms since epoch) starts the next window."""

    status = 429

    def __init__(self, limit: int, remaining: int, reset_at: int, retry_after: int) -> None:
        super().__init__(f"Rate limit of {limit} calls a minute reached. Try again in {retry_after} s.")
        self.limit = limit
        self.remaining = remaining
        self.reset_at = reset_at
        self.retry_after = retry_after


class HeadTooLarge(ApiError):
    status = 431


class InternalError(ApiError):
    status = 500


class Unavailable(ApiError):
    status = 503
    retry_after = 1


class DatabaseError(FootfallError):
    """The store could not do what was asked. Nothing of it was kept."""


class DatabaseBusy(DatabaseError):
    """Another server or a long command holds the store."""


class DatabaseConflict(DatabaseError):
    """Two transactions got in each other's way; retrying may succeed."""


class DatabaseCrowded(DatabaseError):
    """The store has no room for everything a transaction needs at once; a smaller one may succeed."""


class ColumnsUnusable(DatabaseError):
    """The columns are missing, damaged, of another form, or another database's: they have to be made anew."""


class SchemaMismatch(DatabaseError):
    """The stored schema, or the encoding of its text, is not the one this program was written for. Retrying does not help."""


class UsageError(FootfallError):
    """A command line argument or setting that cannot be used; the message says which and why."""


class FieldError(UsageError):
    """A field that cannot be used, such as `excluded_paths`. `message` says why, without a capital letter and a full stop."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field.replace('_', ' ')}: {message}")
        self.field = field
        self.message = message


Refusal = ApiError | FieldError
"""Returned by a change instead of its result when only the database could tell that it is impossible. Nothing was written."""


def accepted(result: T | ApiError | FieldError) -> T:
    """The result of a change. Raises its refusal."""
    if isinstance(result, Refusal):
        raise result
    return result
