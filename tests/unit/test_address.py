"""What is believed of what proxies say."""

from __future__ import annotations

import ipaddress

import pytest

from footfall.web.address import MOST_HOPS, ClientAddress

NEAR = ClientAddress((ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8")))
PROXY, STRANGER = "127.0.0.1", "203.0.113.1"


def sent(headers: dict[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): text.encode() for name, text in headers.items()}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("5.9.0.1", "5.9.0.1"),
        ("5.9.0.1:49153", "5.9.0.1"),
        ("5.9.0.1,", "5.9.0.1"),
        (" , 5.9.0.1 , ,", "5.9.0.1"),
        ('"5.9.0.1"', "5.9.0.1"),
        ('"5.9.0.1:80"', "5.9.0.1"),
        ("::ffff:5.9.0.1", "5.9.0.1"),
        ("[::ffff:5.9.0.1]:80", "5.9.0.1"),
        ("2a01:4f8::1", "2a01:4f8::1"),
        ("2A01:04F8:0::1", "2a01:4f8::1"),
        ("[2a01:4f8::1]", "2a01:4f8::1"),
        ("[2a01:4f8::1]:443", "2a01:4f8::1"),
        ('"[2a01:4f8::1]:443"', "2a01:4f8::1"),
        ("unknown", PROXY),
        ("5.9.0.1, unknown", PROXY),
        ("5.9.0.1:x:y", PROXY),
        ("[", PROXY),
        ('"', PROXY),
        (":", PROXY),
        ("", PROXY),
    ],
)
@pytest.mark.parametrize("name", ["x-forwarded-for", "x-datafast-real-ip", "x-real-ip", "cf-connecting-ip"])
def test_an_address_is_read_as_proxies_write_it(name: str, text: str, address: str) -> None:
    if name == "x-forwarded-for" or "," not in text:
        assert NEAR.find(PROXY, sent({name: text})) == address
    assert NEAR.find(STRANGER, sent({name: text})) == STRANGER


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("for=5.9.0.1", "5.9.0.1"),
        ("For=5.9.0.1;proto=https;by=10.0.0.1", "5.9.0.1"),
        ('by="for=8.8.8.8";for="5.9.0.1:80"', "5.9.0.1"),
        ('host="a;for=8.8.8.8,for=8.8.4.4\\"";for=5.9.0.1', "5.9.0.1"),
        ('for="[2a01:4f8::1]:4711"', "2a01:4f8::1"),
        ("for=8.8.8.8, for=5.9.0.1, for=10.0.0.1", "5.9.0.1"),
        ("for=8.8.8.8, for=_hidden", PROXY),
        ('for="5.9.0.1', "5.9.0.1"),
        ("for", PROXY),
        ("for=", PROXY),
        ("=,;=,", PROXY),
    ],
)
def test_the_header_of_rfc_7239_is_read(text: str, address: str) -> None:
    assert NEAR.find(PROXY, sent({"forwarded": text})) == address


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"x-forwarded-for": "5.9.0.1", "x-datafast-real-ip": "8.8.8.8"}, "5.9.0.1"),
        ({"x-forwarded-for": "5.9.0.1", "forwarded": "for=8.8.8.8"}, "5.9.0.1"),
        ({"x-forwarded-for": "5.9.0.1", "x-real-ip": "8.8.8.8", "cf-connecting-ip": "8.8.4.4"}, "5.9.0.1"),
        ({"forwarded": "for=5.9.0.1", "x-real-ip": "8.8.8.8"}, "5.9.0.1"),
        ({"x-forwarded-for": "10.0.0.5", "x-datafast-real-ip": "5.9.0.1"}, "5.9.0.1"),
        ({"x-datafast-real-ip": "5.9.0.1", "x-real-ip": "8.8.8.8"}, "5.9.0.1"),
        ({"x-forwarded-for": "10.0.0.5, 10.0.0.6"}, "10.0.0.5"),
        ({"x-forwarded-for": "junk, 10.0.0.6"}, "10.0.0.6"),
    ],
)
def test_what_a_client_sends_along_does_not_count_before_the_list_of_hops(
    headers: dict[str, str], address: str
) -> None:
    assert NEAR.find(PROXY, sent(headers)) == address


def test_a_list_without_end_is_read_from_its_end() -> None:
    chain = ",".join([STRANGER, *["10.0.0.1"] * MOST_HOPS])
    assert NEAR.find(PROXY, sent({"x-forwarded-for": f"{chain},5.9.0.1"})) == "5.9.0.1"
    assert NEAR.find(PROXY, sent({"x-forwarded-for": chain})) == "10.0.0.1"


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, "http://inner:8000"),
        ({"x-forwarded-proto": "https"}, "https://inner:8000"),
        ({"x-forwarded-proto": "HTTPS, http"}, "https://inner:8000"),
        ({"x-forwarded-proto": "javascript"}, "http://inner:8000"),
        ({"x-forwarded-host": "stats.example.com"}, "http://stats.example.com"),
        (
            {"x-forwarded-proto": "https", "x-forwarded-host": "stats.example.com, inner"},
            "https://stats.example.com",
        ),
        ({"x-forwarded-host": "a'; rm -rf /"}, "http://inner:8000"),
        (
            {"forwarded": 'for=5.9.0.1;proto=https;host="stats.example.com:8443"'},
            "https://stats.example.com:8443",
        ),
        ({"forwarded": "for=5.9.0.1", "x-forwarded-proto": "https"}, "https://inner:8000"),
    ],
)
def test_only_a_trusted_proxy_tells_where_a_browser_asked(headers: dict[str, str], origin: str) -> None:
    everything = sent({"host": "inner:8000", **headers})
    assert NEAR.origin(PROXY, everything) == origin
    assert NEAR.origin(STRANGER, everything) == "http://inner:8000"
    assert ClientAddress(()).origin(PROXY, everything) == "http://inner:8000"


def test_what_a_client_quotes_hides_nothing_that_a_proxy_adds() -> None:
    assert NEAR.find(PROXY, sent({"forwarded": 'for="' + "x" * 5000 + ", for=5.9.0.1"})) == "5.9.0.1"
