"""Pages: addresses are taken apart, cleaned and bounded, whatever is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.collect.enrich.page import CLICK_IDS, PARAMETERS, PageAddress, bare_host, parse_page

AUTHORITIES = st.sampled_from(
    ["example.com", "[::1]:80", "a@b", "x:99999", "", "ex\\ample", "münchen.de", "\ud800", "[", "a..b"]
)
ADDRESSES = st.text() | st.builds(
    "{}://{}{}".format, st.sampled_from(["http", "https", "datafast", "HTTPS"]), AUTHORITIES, st.text()
)


def page(href: str, hash_routing: bool = False) -> PageAddress:
    found = parse_page(href, hash_routing)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("href", "host", "path", "query"),
    [
        ("https://example.com", "example.com", "/", ""),
        ("https://example.com?a=1", "example.com", "/", "a=1"),
        ("HTTPS://WWW.Example.COM:443/A/b?x=1&y#top", "www.example.com", "/A/b", "x=1&y"),
        ("http://localhost:3000/x", "localhost:3000", "/x", ""),
        ("http://example.com:80/", "example.com", "/", ""),
        ("http://example.com:443/", "example.com:443", "/", ""),
        ("https://user:secret@example.com/a@b", "example.com", "/a@b", ""),
        ("https://evil.com\\@example.com/", "evil.com", "/@example.com/", ""),
        ("https://example.com./a", "example.com", "/a", ""),
        ("https://münchen.de/straße?q=ü", "xn--mnchen-3ya.de", "/stra%C3%9Fe", "q=%C3%BC"),
        ("https://straße.de/", "xn--strae-oqa.de", "/", ""),
        ("https://i❤.ws/", "xn--i-7iq.ws", "/", ""),
        ("https://bücher。example/", "xn--bcher-kva.example", "/", ""),
        ("https://www-example-com.translate.goog/a?_x_tr_sl=de", "www.example.com", "/a", "_x_tr_sl=de"),
        ("https://my--shop-example-com.translate.goog/", "my-shop.example.com", "/", ""),
        ("https://xn--mnchen-de-q9a.translate.goog/", "xn--mnchen-3ya.de", "/", ""),
        ("https://0-ab---cd-com-0.translate.goog/", "ab-.cd.com", "/", ""),
        ("https://shop.translate.goog/", "shop.translate.goog", "/", ""),
        ("https://example.com/caf%C3%A9 au", "example.com", "/caf%C3%A9%20au", ""),
        ("http://[0:0::1]:8080/a", "[::1]:8080", "/a", ""),
        ("https://example.com/a\x00b\nc\ud800d", "example.com", "/abcd", ""),
        ("https://example.com/__app/ios/HomeScreen", "example.com", "/__app/ios/HomeScreen", ""),
        ("datafast://web/pricing?ref=x", "", "/pricing", "ref=x"),
        ("  https://example.com/a  ", "example.com", "/a", ""),
    ],
)
def test_an_address_is_taken_apart(href: str, host: str, path: str, query: str) -> None:
    found = page(href)
    assert (found.host, found.path, found.query, found.url) == (host, path, query, host + path)


@pytest.mark.parametrize(
    "href",
    [
        *(
            "",
            "/pricing",
            "//example.com/a",
            "example.com/a",
            "https://",
            "https:///a",
            "https://?a",
            "https://user@/a",
        ),
        *(
            "ftp://example.com/",
            "file://server/x",
            "file:/x",
            "javascript:alert(1)",
            "data:text/html,x",
            "about:blank",
            "datafast://ios/x",
        ),
        *(
            "https://exa mple.com/",
            "https://a..b/",
            "https://[::1/",
            "https://[::1]x/",
            "https://[fe80::1%25eth0]/",
            "https://[zz]/",
        ),
        *(
            "https://example.com:99999/",
            "https://example.com:8a/",
            "https://example.com:80:80/",
            "https://" + "a" * 64 + ".com/",
        ),
        *("https://ex%61mple.com/", "https://<script>/", "https://" + "a." * 127 + "com/"),
        *(None, 1, True, [], {}),
    ],
)
def test_what_is_no_web_address_is_no_page(href: object) -> None:
    assert parse_page(href) is None


def test_tracked_parameters_and_click_ids_are_read() -> None:
    found = page(
        "https://example.com/?utm_source=news+letter&ref=p%2Bh&gclid=G1&fbclid=F2&other=x&utm_term=&via"
    )
    assert found.params == {"utm_source": "news letter", "ref": "p+h"}
    assert found.click_ids == {"gclid": "G1", "fbclid": "F2"}


@pytest.mark.parametrize("name", sorted(PARAMETERS | CLICK_IDS))
def test_each_tracked_name_is_read(name: str) -> None:
    found = page(f"https://example.com/?a=b&{name}=v")
    assert found.params | found.click_ids == {name: "v"}


@pytest.mark.parametrize(
    "written",
    ["utm%5Fsource", "UTM_SOURCE", "Utm_Source", "amp;utm_source", "amp%3Butm_source", "AMP;UTM%5fSOURCE"],
)
def test_what_mailers_do_to_the_name_of_a_parameter_is_undone(written: str) -> None:
    assert page(f"https://example.com/?a=1&{written}=news").params == {"utm_source": "news"}


def test_a_name_that_merely_ends_like_a_parameter_is_none() -> None:
    assert page("https://example.com/?stamp;utm_source=x&my_utm_source=y&" + "%55" * 30 + "=z").params == {}


def test_the_first_of_equal_parameters_counts() -> None:
    assert page("https://example.com/?ref=a&ref=b").params == {"ref": "a"}


def test_a_parameter_is_cut_and_cleaned() -> None:
    found = page("https://example.com/?ref=a%00b%0A&source=" + "%F0%9F%98%80" * 300 + "&via=%FF")
    assert found.params == {"ref": "ab", "source": "😀" * 255, "via": "\ufffd"}


def test_long_paths_and_queries_are_cut_between_escapes() -> None:
    found = page("https://example.com/" + "é" * 2000 + "?" + "q" * 3000)
    assert len(found.path) in (2046, 2047, 2048)
    assert found.path.endswith(("%C3", "%A9"))
    assert found.query == "q" * 2048


def test_the_hash_is_a_part_of_the_path_only_with_hash_routing() -> None:
    href = "https://example.com/app#/settings?utm_source=x"
    assert page(href).path == "/app"
    assert page(href, hash_routing=True).path == "/app#/settings"
    assert page(href, hash_routing=True).params == {"utm_source": "x"}
    assert page(href).params == {}


@pytest.mark.parametrize("href", ["https://example.com/Unknown", "datafast://web/Unknown"])
def test_the_sdk_s_unknown_page_is_marked(href: str) -> None:
    assert page(href).is_unknown


@pytest.mark.parametrize(
    "href", ["https://example.com/unknown", "https://example.com/Unknown/a", "https://example.com/"]
)
def test_other_pages_are_not_marked(href: str) -> None:
    assert not page(href).is_unknown


@given(href=ADDRESSES, hash_routing=st.booleans())
def test_any_string_gives_a_bounded_clean_page_or_none(href: str, hash_routing: bool) -> None:
    found = parse_page(href, hash_routing)
    if found is None:
        return
    text = found.url + found.query
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text
    assert found.path.startswith("/")
    assert len(found.path) <= 2048
    assert len(found.query) <= 2048
    assert found.host == found.host.lower()
    assert "@" not in found.host
    for value in [*found.params.values(), *found.click_ids.values()]:
        assert 0 < len(value) <= 255
        value.encode("utf-8")


@given(ADDRESSES)
def test_a_page_s_own_address_parses_to_the_same_page(href: str) -> None:
    found = parse_page(href)
    if found is not None and found.host:
        again = page(f"https://{found.url}?{found.query}" if found.query else f"https://{found.url}")
        assert (bare_host(again.host), again.path, again.query) == (
            bare_host(found.host),
            found.path,
            found.query,
        )


@pytest.mark.parametrize(
    ("host", "bare"),
    [
        *(
            ("example.com", "example.com"),
            ("WWW.Example.com:8080", "example.com"),
            ("www.example.com.", "example.com"),
        ),
        *(
            ("[::1]:80", "::1"),
            ("::1", "::1"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("", ""),
            ("wwwexample.com", "wwwexample.com"),
        ),
    ],
)
def test_a_bare_host_has_no_port_and_no_www(host: str, bare: str) -> None:
    assert bare_host(host) == bare
