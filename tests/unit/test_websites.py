"""Websites: domains in any alphabet, host names, and lists of what is excluded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.errors import UsageError
from footfall.hostnames import to_ascii, to_unicode
from footfall.websites.fields import clean_domain, clean_exclusions, clean_host
from footfall.websites.model import MAX_PATTERN, MOST_LISTED, Exclusions


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Example.COM", "example.com"),
        ("https://foo.io/", "foo.io"),
        ("http://www.foo.io:8080/a?b#c", "foo.io"),
        ("foo.io?x", "foo.io"),
        ("  foo.io. ", "foo.io"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"),
        ("straße.de", "xn--strae-oqa.de"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("localhost:3000", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_domain_is_tidied_where_one_meaning_is_possible(typed: str, stored: str) -> None:
    assert clean_domain(typed) == stored


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("*.foo.io", "use foo.io, whose sub-domains count too"),
        ("*.münchen.de", "use münchen.de, whose"),
        ("x", "lacks its ending; use a domain such as example.com"),
        ("no domain", "is no domain; use one such as example.com"),
        ("ftp://foo.io", "is no domain"),
        ("a@foo.io", "is no domain"),
        ("foo..io", "is no domain"),
        ("-foo.io", "is no domain"),
        ("", "is no domain"),
        ("\ud800.io", "is no domain"),
        ("ü" * 300 + ".de", "is no domain"),
        ("ab." * 100 + "de", "is no domain"),
    ],
)
def test_what_is_no_domain_is_refused_with_what_is_wanted(typed: str, wanted: str) -> None:
    with pytest.raises(UsageError, match=r"^domain: ") as error:
        clean_domain(typed)
    assert wanted in str(error.value)


def test_a_host_name_may_stand_for_all_sub_domains_and_its_error_names_the_list() -> None:
    assert clean_host("*.München.de", "allowed_hostnames") == "*.xn--mnchen-3ya.de"
    assert clean_host("com.example.app", "allowed_hostnames") == "com.example.app"
    with pytest.raises(UsageError, match=r"^allowed hostnames: '\*\.' is no domain"):
        clean_host("*.", "allowed_hostnames")


@given(st.text(max_size=40))
def test_no_text_raises_and_ascii_leads_back_to_itself(text: str) -> None:
    stored = to_ascii(text)
    if stored is not None:
        assert stored.isascii()
        assert to_ascii(to_unicode(stored)) == to_ascii(stored)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("xn--mnchen-3ya.de", "münchen.de"),
        ("*.xn--mnchen-3ya.de", "*.münchen.de"),
        ("example.com", "example.com"),
        ("xn--a.de", "xn--a.de"),
        ("xn--99999999999.de", "xn--99999999999.de"),
    ],
)
def test_a_host_is_shown_in_its_own_alphabet(stored: str, shown: str) -> None:
    assert to_unicode(stored) == shown


def test_exclusions_are_stored_once_each_and_tidied() -> None:
    given_ = Exclusions(("Straße.de", "straße.de"), ("/a/*",), ("de",), ("192.0.2.7/32", "192.0.2.9/24"))
    assert clean_exclusions(given_) == Exclusions(
        ("xn--strae-oqa.de",), ("/a/*",), ("DE",), ("192.0.2.7", "192.0.2.0/24")
    )


MANY = tuple(f"/{number}" for number in range(MOST_LISTED + 1))


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (Exclusions(paths=MANY), f"excluded paths: at most {MOST_LISTED} are kept"),
        (Exclusions(hostnames=("a.io",) * (MOST_LISTED + 1)), "excluded hostnames: at most"),
        (Exclusions(countries=("DE",) * (MOST_LISTED + 1)), "excluded countries: at most"),
        (Exclusions(ips=("192.0.2.1",) * (MOST_LISTED + 1)), "excluded ips: at most"),
        (Exclusions(paths=("/" + "a" * MAX_PATTERN,)), f"longer than {MAX_PATTERN} characters"),
        (Exclusions(paths=("admin",)), "excluded paths: 'admin' is no path"),
        (Exclusions(countries=("Germany",)), "excluded countries: 'Germany' is no country code"),
        (Exclusions(ips=("home",)), "excluded ips: 'home' is no address or network"),
        (Exclusions(hostnames=("x",)), "excluded hostnames: 'x' lacks its ending"),
    ],
)
def test_what_cannot_be_excluded_is_refused_with_the_limit(given_: Exclusions, message: str) -> None:
    with pytest.raises(UsageError) as error:
        clean_exclusions(given_)
    assert message in str(error.value)


def test_lists_that_were_stored_before_there_was_a_limit_may_stay() -> None:
    known = Exclusions(paths=MANY)
    assert clean_exclusions(known, known) == known
    assert clean_exclusions(Exclusions(paths=MANY, countries=("de",)), known).countries == ("DE",)


def test_a_label_that_grows_beyond_any_host_is_none() -> None:
    assert to_ascii("\ufdfa" * 60 + ".example") is None
    assert to_ascii("ü" * 64 + ".example") is None
    assert to_unicode("xn--" + "a" * 5000 + "-" + "b" * 5000) == "xn--" + "a" * 5000 + "-" + "b" * 5000
