"""Hosts: which ones belong to a website."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.collect.enrich.hosts import host_matches, is_in_networks, path_matches

ALLOWED = ("shop.example.org", "*.example.net", "com.example.app", "", "*.")
LOCAL = (
    "localhost",
    "localhost:3000",
    "app.localhost",
    "127.0.0.1:8080",
    "127.9.9.9",
    "[::1]:80",
    "[::ffff:127.0.0.1]",
)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "example.com",
            "www.example.com",
            "EXAMPLE.com:8080",
            "a.b.example.com",
            "www.a.example.com",
            "example.com.",
        ),
        *(
            "shop.example.org",
            "www.shop.example.org",
            "a.example.net",
            "a.b.example.net",
            "com.example.app",
            "com.Example.App",
        ),
    ],
)
def test_the_website_s_hosts_match(host: str) -> None:
    assert host_matches(host, "example.com", ALLOWED, allow_localhost=False)
    assert host_matches(host, "www.Example.com", ALLOWED, allow_localhost=False)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "",
            ".",
            "com",
            "evilexample.com",
            "example.com.evil.org",
            "example.org",
            "a.shop.example.org",
            "example.net",
            "evilexample.net",
        ),
        *(
            "com.example.app.evil",
            "a.com.example.app",
            "127.0.0.1.evil.org",
            "localhost.evil.org",
            "notlocalhost",
            "128.0.0.1",
            "[::2]",
        ),
        *("example.com@evil.org", "evil.org/example.com", "::", "["),
    ],
)
def test_other_hosts_do_not_match(host: str) -> None:
    assert not host_matches(host, "example.com", ALLOWED, allow_localhost=True)


@pytest.mark.parametrize("host", LOCAL)
def test_the_own_machine_matches_only_when_allowed(host: str) -> None:
    assert host_matches(host, "example.com", ALLOWED, allow_localhost=True)
    assert not host_matches(host, "example.com", ALLOWED, allow_localhost=False)


def test_a_website_of_the_own_machine_needs_no_permission() -> None:
    assert host_matches("localhost:3000", "localhost", (), allow_localhost=False)


def test_an_empty_domain_matches_nothing() -> None:
    assert not host_matches("a.", "", (), allow_localhost=False)


@given(host=st.text(), domain=st.text(), entry=st.text())
def test_no_text_raises(host: str, domain: str, entry: str) -> None:
    assert host_matches(host, domain, (entry,), allow_localhost=True) in (True, False)


@pytest.mark.parametrize(
    ("path", "pattern", "matches"),
    [
        ("/admin", "/admin/*", True),
        ("/admin/", "/admin/*", True),
        ("/admin/a/b", "/admin/*", True),
        ("/administrator", "/admin/*", False),
        ("/a/admin", "/admin/*", False),
        ("/a/preview/b", "*/preview/*", True),
        ("/a.b", "/a.b", True),
        ("/axb", "/a.b", False),
        ("/a/1/edit", "/a/*/edit", True),
        ("/a/1/edit/2", "/a/*/edit", False),
        ("/", "/*", True),
    ],
)
def test_a_star_in_a_path_stands_for_any_text(path: str, pattern: str, matches: bool) -> None:
    assert path_matches(path, pattern) is matches


@pytest.mark.parametrize(
    ("path", "pattern", "matches"),
    [
        ("/a/b/a/c", "/a/*/c", True),
        ("/a/c", "/a/*/c", False),
        ("/aa", "/a*a", True),
        ("/a", "/a*a", False),
        ("/x/y/x/y", "*/x*/y", True),
        ("/x/y/", "*/x*/y", False),
        ("/a/b/x", "/a/*/*", True),
        ("/a", "/a/*/*", False),
        ("/ab", "/a/*/*", False),
        ("/anything", "**", True),
        ("/a\nb", "/a*b", True),
    ],
)
def test_the_pieces_between_stars_follow_each_other(path: str, pattern: str, matches: bool) -> None:
    assert path_matches(path, pattern) is matches


@given(path=st.text("ab/", max_size=8), pattern=st.text("ab/*", max_size=8))
def test_a_pattern_means_what_a_regular_expression_for_it_does(path: str, pattern: str) -> None:
    body, below = (pattern[:-2], "(?:/.*)?") if pattern.endswith("/*") else (pattern, "")
    expected = re.fullmatch(".*".join(map(re.escape, body.split("*"))) + below, path)
    assert path_matches(path, pattern) is (expected is not None)


class Counted(str):
    """A path that counts what it is asked to do."""

    steps = 0

    def find(self, *args: Any) -> int:
        Counted.steps += 1
        return super().find(*args)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("/*/x/*/x/*/y", "/x" * 1000), ("/*/*/*/*/edit", "/" * 800), ("*" + "a*" * 99 + "b", "a" * 2048)],
)
def test_no_piece_of_a_pattern_is_looked_for_twice(pattern: str, path: str) -> None:
    Counted.steps = 0
    assert not path_matches(Counted(path), pattern)
    assert Counted.steps <= pattern.count("*")


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("xn--mnchen-3ya.de", "MÜNCHEN.de"),
        ("shop.bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_both_spellings_of_a_domain_are_one(host: str, domain: str) -> None:
    assert host_matches(host, domain, (), allow_localhost=False)
    assert host_matches(host, "other.example", (f"*.{domain}", domain), allow_localhost=False)
    assert not host_matches("strasse.de", "straße.de", (), allow_localhost=False)


@pytest.mark.parametrize(
    ("address", "network", "is_in"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.0/24", True),
        ("192.0.3.7", "192.0.2.0/24", False),
        ("::ffff:192.0.2.7", "192.0.2.0/24", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "192.0.2.0/24", False),
        ("", "192.0.2.0/24", False),
        ("localhost", "192.0.2.0/24", False),
    ],
)
def test_an_address_is_in_one_of_the_networks(address: str, network: str, is_in: bool) -> None:
    assert is_in_networks(address, ("198.51.100.1", network)) is is_in
