"""Placeholders in place of user ids and names, and real ones that only look like them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.errors import BadRequest
from footfall.identity.identify.wire import JunkUserId, read_user_id
from footfall.identity.junk import is_junk, is_placeholder_name, user_id_problem

WORDS = """
undefined null nil nan none n/a true false 0 -1 anonymous guest unknown user id email user_id userid distinct_id distinctid
not_authenticated #n/a #ref! #value! #name? #div/0! #num! #null!
""".split()  # noqa: SIM905


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    "form", ["{}", "'{}'", '"{}"', "({})", "<{}>", "[{}]", "{{{}}}", ' "({})" ', "\u201c{}\u201d"]
)
def test_a_word_that_stands_for_no_id_is_junk_whatever_stands_around_it(word: str, form: str) -> None:
    for written in (word, word.upper(), word.title()):
        assert is_junk(form.format(written))


@pytest.mark.parametrize("word", ["undefined", "null", "guest", "0", "user_id", "n/a", "-1"])
@pytest.mark.parametrize("joint", [" ", "_", "-", ".", "@", ":", " - "])
def test_a_word_that_is_doubled_or_joined_with_another_is_junk(word: str, joint: str) -> None:
    for joined in (word + joint + word, joint.join([word] * 3), "Null" + joint + word):
        assert is_junk(joined)
        assert is_junk(f"({joined})")


@pytest.mark.parametrize(
    "user_id",
    [
        "``",
        '""',
        "()",
        "[]",
        "{}",
        "00",
        "-",
        " - 0 ",
        "0.0",
        "...",
        "-.-",
        "000-000",
        "0 0 0",
        "--",
        "_",
        "00000000-0000-0000-0000-000000000000",
        "User ID",
        "user-id",
        "USER  ID",
        "not authenticated",
        "Not-Authenticated",
        "un_defined",
        "n u l l",
    ],
)
def test_zeros_dashes_dots_and_blanks_are_junk(user_id: str) -> None:
    assert is_junk(user_id)


@pytest.mark.parametrize(
    "user_id",
    [
        "[OBJECT object]",
        "[object Promise]",
        "[object Undefined]",
        '"[object Window]"',
        'Optional("42")',
        "Optional(nil)",
        "<Promise pending>",
        "<Promise { 42 }>",
        "Promise { <pending> }",
        "<User object at 0x7f1c>",
        "function getUserId() { return id }",
        "function () {}",
        "async function id() {}",
        "{{user.id}}",
        "{{ name }}",
        "{{{id}}}",
        "${user.id}",
        "${USER_ID}",
        "<%= user.id %>",
        "<%user%>",
        "%s",
        "%D",
        "{0}",
        "{12}",
        ":user_id",
        ":userId",
        "'${id}'",
    ],
)
def test_what_a_program_printed_by_mistake_or_never_filled_in_is_junk(user_id: str) -> None:
    assert is_junk(user_id)
    assert user_id_problem(user_id) is not None


REAL = """
A 1 -2 10 null1 user_1 user-44 user_id_44 007 1-0 0-1 0x0 ID-5 guest42 guest@example.com a@b.example null@example.com trueman nilsson
nancy.none nonesuch anonymous7 unknown-pleasures emailer idris userland objective optional options(42) function functional-user
function42 promise %sally %20 5% :5 {abc} (abc) $42 ${ <abc> [abc] a{{b}}c x${id} null-island user.guestbook 0a 1.0 -10 #1 #nathan
auth0|0 user_0 user-0 id:0 guest_0 550e8400-e29b-41d4-a716-446655440000 nan-nan-chan Zoë Ünal 山田 #value user:42 id:7
""".split()  # noqa: SIM905


@pytest.mark.parametrize(
    "user_id", [*REAL, "Anna None", "user 44", "the id", "Null Island", "not signed in yet"]
)
def test_a_real_id_that_only_contains_such_a_word_is_an_id(user_id: str) -> None:
    assert not is_junk(user_id)
    assert user_id_problem(user_id) is None
    assert read_user_id(user_id) == user_id


def test_an_id_that_is_junk_is_told_apart_from_one_that_is_too_long() -> None:
    with pytest.raises(JunkUserId, match="placeholder"):
        read_user_id("null null")
    with pytest.raises(BadRequest, match="255") as caught:
        read_user_id("0" * 60_000)
    assert not isinstance(caught.value, JunkUserId)


@given(st.text(max_size=300))
def test_a_user_id_is_judged_without_an_error(user_id: str) -> None:
    problem = user_id_problem(user_id)
    assert (problem is None) or (len(problem) > 5 and not problem.endswith("."))


@pytest.mark.parametrize(
    "name",
    ["", " ", "null", "undefined undefined", "None NaN null", "[object Object] undefined", "UNDEFINED"],
)
def test_a_name_made_of_placeholders_is_none(name: str) -> None:
    assert is_placeholder_name(name)


@pytest.mark.parametrize("name", ["Ada", "undefined Smith", "Nullmeyer", "nan-nan", "Object"])
def test_a_name_with_anything_else_is_one(name: str) -> None:
    assert not is_placeholder_name(name)
