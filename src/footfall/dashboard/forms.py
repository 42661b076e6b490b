"""Forms and their protection: what was typed, what is wrong with it, and whether the form is ours."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl

from footfall.dashboard.page import PageRequest
from footfall.errors import ApiError, BadRequest, FieldError

MAX_FORM = 64 * 1024


class Problem(NamedTuple):
    """What is wrong with a form. `field`: the field that `text` is about; empty for the whole form."""

    field: str
    text: str


def problem_of(error: FieldError, field: str = "") -> Problem:
    """The problem that an error reports about a form. `field`: the form's own name for the field, if it has one."""
    text = error.message
    return Problem(field or error.field, f"{text[:1].upper()}{text[1:]}.")


def refused(field: str, error: ApiError) -> Problem:
    """The problem with a form's field, without the field's name in the API."""
    said = error.message.partition(": ")[2] or error.message
    return Problem(field, said[:1].upper() + said[1:])


def read_form(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form, without surrounding blanks. Raises BadRequest."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=500)
    except (UnicodeDecodeError, ValueError) as error:
        raise BadRequest("The server could not read this form.") from error
    if any("\0" in value for _, value in pairs):
        raise BadRequest("This form contains the character U+0000.")
    return [(name, value.strip() if name != "password" else value) for name, value in pairs]


def came_from_us(request: PageRequest) -> bool:
    """Whether the browser says that the form was on a page of this server. Other websites cannot make it say so."""
    return request.context.header(b"origin").partition("://")[2] == request.origin.partition("://")[2]


def is_ours(request: PageRequest) -> bool:
    """Whether a form was rendered for this browser and session."""
    is_known = bool(request.session or request.form_key)
    return is_known and request.is_form_token(request.form.get("form_token", ""))
