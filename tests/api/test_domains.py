"""Which pages belong to a website: domains in any alphabet, pages behind a translator; and what else a page's browser tells."""

from __future__ import annotations

import msgspec

from footfall.websites.store import put_website, read_websites
from tests.conftest import SitePool
from tests.support.engines import Place
from tests.support.servers import run_command, run_json
from tests.support.sites import Site, new_visitor


def test_a_domain_in_another_alphabet_is_one_website_in_both_spellings_and_its_lists_have_limits(
    place: Place,
) -> None:
    made = run_json(place, "website", "create", "https://München.de/")
    assert (made["domain"], made["name"]) == ("münchen.de", "münchen.de")
    assert "münchen.de already" in run_command(place, "website", "create", "xn--mnchen-3ya.de").errors
    update = ("website", "update", made["websiteId"])
    changed = run_json(
        place, *update, "--exclude-hostnames", "test.münchen.de", "--allowed-hostnames", "*.bücher.example"
    )
    assert changed["excludedHostnames"] == ["test.münchen.de"]
    assert changed["allowedHostnames"] == ["*.bücher.example"]
    many = ",".join(f"/{number}" for number in range(101))
    assert "excluded paths: at most 100" in run_command(place, *update, "--exclude-paths", many).errors


def test_a_domain_in_another_alphabet_takes_events_also_when_it_was_stored_as_typed(sites: SitePool) -> None:
    site = sites.take()
    site.place.transact(
        lambda tx: put_website(
            tx,
            msgspec.structs.replace(
                read_websites(tx)[bytes.fromhex(site.website_id)],
                domain="bücher-" + site.domain,
                allowed_hostnames=("bücher.example",),
            ),
        )
    )
    site.change(name="Books")
    for host in (f"bücher-{site.domain}", "xn--bcher-kva.example"):
        site.kept("pageview", new_visitor(), href=f"https://{host}/")
    other = "straße-" + site.domain
    assert site.dropped("pageview", new_visitor(), href=f"https://{other}/") == "wrong_host"


def test_a_page_read_through_google_translate_counts_for_its_website(server: Site) -> None:
    label = server.domain.replace("-", "--").replace(".", "-")
    visitor = new_visitor()
    server.kept(
        "pageview",
        visitor,
        href=f"https://{label}.translate.goog/a",
        referrer=f"https://{label}.translate.goog/",
    )
    shown = server.visitor(visitor)
    assert shown["activity"]["currentUrl"] == f"{server.domain}/a"
    assert shown["identity"]["referrer"] is None


def test_an_ipad_is_told_by_what_its_screen_feels(server: Site) -> None:
    agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
    visitor = server.pageview(user_agent=agent, maxTouchPoints=5)
    identity = server.visitor(visitor)["identity"]
    assert identity["os"] == {"name": "iOS", "version": "26.0"}
    assert identity["device"] == {"type": "tablet", "vendor": "Apple", "model": "iPad"}
