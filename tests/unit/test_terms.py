"""How texts look in the index of people: what is the same, and what that may cost."""

from __future__ import annotations

import unicodedata

import pytest

from footfall.people.find.terms import (
    ELEMENT,
    LAST_CASED,
    MAX_ALL_WORDS,
    MAX_ASKED,
    MAX_ELEMENTS,
    MAX_TERM,
    asked_words,
    composed,
    decomposed,
    element_term,
    folded,
    in_one_case,
    search_terms,
)

LETTERS = [chr(code) for code in range(LAST_CASED + 1) if not 0xD800 <= code < 0xE000]


def test_what_is_folded_stays_as_it_is() -> None:
    assert [one for one in LETTERS if folded(folded(one)) != folded(one)] == []


def test_letters_fold_alike_in_each_spelling_and_in_upper_and_lower_case() -> None:
    texts = [one for one in LETTERS if one.isalpha()]
    spelled = [one for one in texts if folded(unicodedata.normalize("NFD", one)) != folded(one)]
    # The small iota below Greek vowels is a letter of its own in upper case.
    cased = [
        one
        for one in texts
        if folded(one.lower()) != folded(one.upper()) and folded(one.upper())[-1] != "\u03b9"
    ]
    assert (spelled, cased) == ([], [])


def test_marks_of_other_alphabets_make_other_letters() -> None:
    assert folded("が") != folded("か")
    assert folded("\u05d1\u05bc") != folded("\u05d1")
    assert (folded("\u0439"), folded("\u1112\u1161\u11ab")) == ("\u0438", "\ud55c")


def test_a_letter_with_thousands_of_marks_is_taken_as_it_is() -> None:
    marked = "a" + "\u0301\u0316" * 8000
    assert composed(marked) == decomposed(marked) == marked
    assert composed("a\u0316\u0301") == "\u00e1\u0316"
    assert folded(marked) == "a"


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("lovelace, ada", ["lovelace", "ada"]),
        ("a ada adam ad", ["adam"]),
        ("(acme) & #42", ["acme", "42"]),
        ("@example.com", ["@example.com"]),
        ("l@", ["l@"]),
        ("???", ["???"]),
        ("___ -", ["___ -"]),
        (" ".join(map(str, range(10, 40))), [str(number) for number in range(10, 10 + MAX_ASKED)]),
    ],
)
def test_a_search_asks_for_words(search: str, words: list[str]) -> None:
    assert asked_words(folded(search)) == words


def test_terms_are_bounded_and_texts_make_none_of_lists() -> None:
    names = [f"{number}-" + "x " * 200 for number in range(100)]
    terms = search_terms(names, {"name": element_term("tags", "vip"), "tags": [f"t{n}" for n in range(1000)]})
    elements = {term for term in terms if term.startswith(ELEMENT)}
    assert elements == {element_term("tags", f"t{number}") for number in range(MAX_ELEMENTS)}
    assert len(terms - elements) <= MAX_ALL_WORDS + len(names) + 1
    assert max(map(len, terms - elements)) <= MAX_TERM


def test_texts_in_one_case_are_told_apart_by_nothing_else() -> None:
    assert in_one_case("STRA\u1e9eE \u03a3") == in_one_case("stra\u00dfe \u03c2")
    assert in_one_case("Stra\u00dfe") != in_one_case("Strasse")
    assert in_one_case("\u00e9") != in_one_case("e")


def test_elements_of_two_fields_are_told_apart() -> None:
    assert element_term(f"a{ELEMENT}b", "c") != element_term("a", f"b{ELEMENT}c") != element_term("ab", "c")
