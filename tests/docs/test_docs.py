"""The documents tell the truth: they are compared with the code, and their curl blocks run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import msgspec
import pytest

import footfall
from footfall.cli.main import main
from footfall.collect.model import Reason
from footfall.db import migrate
from footfall.identity.signing import sign_user
from footfall.reference.docs import render
from footfall.routes import Services, routes
from footfall.settings import Settings
from footfall.web.context import BROWSER, Route
from tests.support.sites import Site, wait_for_analytics

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
DOCUMENT: dict[str, Any] = msgspec.yaml.decode((ROOT / "openapi.yaml").read_bytes(), type=dict[str, Any])

METHODS = ("get", "put", "post", "delete", "patch", "options", "head", "trace")
BASH_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
STATUS = re.compile(r"^# (\d{3})$", re.MULTILINE)


class _Stub:
    """Has every attribute, and makes handlers of any name: routes are only looked at, never called."""

    def __getattr__(self, name: str) -> _Stub:
        return self

    def __call__(self, name: str) -> _Stub:
        return self


def table() -> list[Route[Any]]:
    stubs: list[Any] = [_Stub() for _ in Services.__struct_fields__]
    return routes(Services(*stubs))


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def examples(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """(schema, example) of every media type, header and parameter."""
    if isinstance(node, dict):
        if isinstance(node.get("schema"), dict):
            if "example" in node:
                yield node["schema"], node["example"]
            for named in node.get("examples", {}).values():
                yield node["schema"], named["value"]
        for item in node.values():
            yield from examples(item)


def components(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for item in node.values():
            yield from components(item)
    elif isinstance(node, list):
        for item in node:
            yield from components(item)


def commands(group: click.Group = main, name: str = "footfall") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for inner in group.list_commands(context):
        command = group.get_command(context, inner)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {inner}")
        elif not command.hidden:  # a server starts it, nobody types it
            yield f"{name} {inner}", command


def test_openapi_describes_the_routes_of_the_table_and_no_others() -> None:
    described = {(method, path) for method, path, _ in operations()}
    served = {(route.method, route.path) for route in table()}
    preflights = {("OPTIONS", route.path) for route in table() if route.credential is BROWSER}
    assert described == served | preflights


@pytest.mark.parametrize("route", table(), ids=lambda route: f"{route.method} {route.path}")
def test_openapi_states_the_credential_and_scope_of_a_route(route: Route[Any]) -> None:
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    needed = [{"apiKey": []}, {"accessToken": [route.scope]}] if route.credential.is_checked else []
    assert operation["security"] == needed


@pytest.mark.parametrize("route", table(), ids=lambda route: f"{route.method} {route.path}")
def test_openapi_states_the_errors_that_the_dispatcher_can_give(route: Route[Any]) -> None:
    expected = {"500"}
    if route.credential.is_checked:
        expected |= {"400", "401", "403", "429"}
    if route.max_body:
        expected |= {"400", "408", "413"}
    if route.media is not None:
        expected |= {"415"}
    assert expected <= set(DOCUMENT["paths"][route.path][route.method.lower()]["responses"])


def test_every_reference_in_openapi_leads_somewhere_and_every_component_is_used() -> None:
    used = set(components(DOCUMENT))
    defined = {
        f"#/components/{kind}/{name}"
        for kind, items in DOCUMENT["components"].items()
        if kind != "securitySchemes"
        for name in items
    }
    assert used == defined


def test_every_example_in_openapi_fits_its_schema() -> None:
    found = list(examples(DOCUMENT))
    assert len(found) > 10
    for schema, example in found:
        whole = {"components": DOCUMENT["components"], **schema}
        jsonschema_rs.validate(whole, example, validate_formats=True)


def test_every_schema_in_openapi_is_a_valid_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_openapi_lists_the_reasons_for_which_events_are_dropped() -> None:
    reasons = DOCUMENT["components"]["schemas"]["DropReason"]
    assert reasons["enum"] == [reason.value for reason in Reason]
    for reason in Reason:
        assert f"| `{reason.value}` |" in reasons["description"]


def reference_html() -> str:
    """All pages of the reference, with the lists of their routes."""
    pages = render(DOCUMENT)
    return "".join(page.text + "".join(one.html for one in page.sections) for page in pages)


def test_the_reference_names_every_operation_and_schema() -> None:
    html = reference_html()
    lines = [line for page in render(DOCUMENT) for line in page.routes]
    for method, path, operation in operations():
        assert f'id="{operation["operationId"]}"' in html
        assert f"<code>{path}</code>" in html
        assert (method.lower(), path) in [line[:2] for line in lines]
    for name in DOCUMENT["components"]["schemas"]:
        assert f'id="schema-{name}"' in html


def test_every_link_of_the_reference_leads_to_a_section_of_it() -> None:
    pages = render(DOCUMENT)
    sections = {f"{page.path}#{section.anchor}" for page in pages for section in page.sections}
    links = set(re.findall(r' href="([^"]+)"', reference_html()))
    assert links
    assert links <= sections


def test_the_reference_states_no_limit_of_nothing() -> None:
    assert not re.search(r"at most 0\b", reference_html())


def test_a_404_speaks_of_what_its_route_looks_for() -> None:
    looked_for = {
        "{visitorId}": "visitor",
        "{ref}": "Nobody",
        "{factId}": "fact",
        "{transactionId}": "payment",
        "{script}": "flavour",
        "{funnelId}": "funnel",
        "{noteId}": "note",
        "bot-traffic": "token",
        "customizations": "matches",
        "ai-crawls": "website",
        "webhooks": "provider",
        "integrations/": "provider",
    }
    for _, path, operation in operations():
        answer = operation["responses"].get("404")
        if answer is not None:
            kind = answer["$ref"].rpartition("/")[2]
            text = DOCUMENT["components"]["responses"][kind]["description"]
            [word] = [word for part, word in looked_for.items() if part in path] or [
                {
                    "deleteGoals": "matches",
                    "deletePayments": "payment",
                    "mergeProfiles": "user ids",
                    "changeWebsite": "website",
                }.get(operation["operationId"], "visitor")
            ]
            assert word in text, path


def test_the_curl_lines_of_the_reference_work_in_turn(socket_site: Site, tmp_path: Path) -> None:
    wait_for_analytics(socket_site)
    for user, visitor in (
        ("user_1", "3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b"),
        ("user_2", "0d9c8b7a-6f5e-4d3c-8b2a-190817263544"),
    ):
        socket_site.pageview(visitor)
        fact_id = socket_site.identify(visitor, user)["factId"]
    funnel = {"name": "First", "steps": [{"type": "pageview", "url": "/"}, {"type": "goal", "goalName": "a"}]}
    funnels = f"/api/v1/admin/websites/{socket_site.website_id}/funnels"
    funnel_id = socket_site.call("POST", funnels, json=funnel).json()["data"][0]["id"]
    notes = f"/api/v1/admin/websites/{socket_site.website_id}/notes"
    note_id = socket_site.call("POST", notes, json={"text": "First"}).json()["data"][0]["id"]
    real = {
        "example.com": socket_site.domain,
        "dfid_7hTq2mXbVw9kRzYcN4sP": socket_site.tracking_id,
        "01a2095a51f900cab0d3992ce25ecd8d": fact_id,
        "6650a1b2c3d4e5f601234567": socket_site.website_id,
        "67f8a1b2c3d4e5f601234567": funnel_id,
        "68a1b2c3d4e5f60123456789": note_id,
    }
    html = reference_html()
    lines = [
        unescape(line) for line in re.findall(r'<pre class="curl"[^>]*><code>(.*?)</code>', html, re.DOTALL)
    ]
    assert len(lines) == len(list(operations()))
    variables = {"FOOTFALL": socket_site.url, "KEY": socket_site.key}
    for line in sorted(lines, key=lambda line: "-X DELETE" in line):  # the erasure last
        for stated, right in real.items():
            line = line.replace(stated, right)
        [status], body = run_block(line, variables, tmp_path / "body")
        # Nobody but the provider can sign a delivery.
        right_status = "204" if "-X OPTIONS" in line else "404" if "/api/webhooks/" in line else "200"
        assert status == right_status, f"{line}\n{body}"
        assert "dropped" not in body or "/api/events" not in line, body


def test_the_reference_loads_nothing_and_runs_nothing() -> None:
    assert not re.search(
        r"<(script|link|img|iframe|object|embed)\b|\b(src|style|on\w+)=|@import|url\(", reference_html()
    )


def test_the_reference_escapes_what_the_description_says() -> None:
    hostile = msgspec.json.decode(msgspec.json.encode(DOCUMENT).replace(b"Record an event", b"<b>&"))
    html = "".join(one.html for page in render(hostile) for one in page.sections)
    assert "<b>" not in html
    assert "&lt;b&gt;&amp;" in html


def test_every_setting_is_documented() -> None:
    for name in Settings.__struct_fields__:
        assert f"| `FOOTFALL_{name.upper()}` |" in OPERATIONS


def test_every_documented_setting_exists() -> None:
    documented = set(re.findall(r"FOOTFALL_[A-Z_]+", OPERATIONS))
    assert documented == {f"FOOTFALL_{name.upper()}" for name in Settings.__struct_fields__}


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_is_documented_with_its_options(name: str, command: click.Command) -> None:
    [row] = [line for line in OPERATIONS.splitlines() if line.startswith((f"| `{name} ", f"| `{name}`"))]
    common = {"--data", "--database", "--json"}
    for parameter in command.params:
        for option in {*parameter.opts, *parameter.secondary_opts} - common:
            if isinstance(parameter, click.Option):
                assert option in row
    assert all(option in OPERATIONS for option in common)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_internal_link_resolves(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        if anchor:
            assert anchor in headings(path), link


def test_the_index_of_the_guides_lists_every_guide_and_decision() -> None:
    docs = ROOT / "docs"
    listed = {docs / link for link in LINK.findall((docs / "README.md").read_text("utf-8"))}
    assert {page for page in docs.glob("**/*.md") if page.name != "README.md"} <= listed


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda page: page.name
)
def test_every_decision_says_what_holds_it_and_that_exists(page: Path) -> None:
    last = page.read_text("utf-8").rstrip().rpartition("\n\n")[2]
    files = re.findall(r"`((?:src|tests)/[^`]+)`", last)
    assert files, "name the file or test that enforces the decision"
    assert all((ROOT / file).exists() for file in files)


def test_the_guide_to_upgrades_names_the_schema_of_this_version() -> None:
    row = f"| {footfall.__version__} | {max(migrate.migrations())} |"
    assert row in (ROOT / "docs" / "upgrading.md").read_text()


def test_the_changelog_has_a_section_for_this_version_and_its_day() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(
        rf"^## {re.escape(footfall.__version__)} \(\d{{4}}-\d\d-\d\d\)$", changelog, re.MULTILINE
    )


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 80


@pytest.mark.parametrize(
    "name",
    [
        "docs/api.md",
        "docs/people.md",
        "docs/payments.md",
        "docs/analytics.md",
        "docs/recipes.md",
    ],
)
def test_the_curl_blocks_get_the_status_that_they_state(name: str, socket_site: Site, tmp_path: Path) -> None:
    blocks = BASH_BLOCK.findall((ROOT / name).read_text("utf-8"))
    assert blocks
    if name == "docs/analytics.md":
        wait_for_analytics(socket_site)
    visitor = str(uuid.uuid4())
    variables = {
        "FOOTFALL": socket_site.url,
        "KEY": socket_site.key,
        "TRACKING_ID": socket_site.tracking_id,
        "VISITOR": visitor,
        "WEBSITE_ID": socket_site.website_id,
    }
    if name in (
        "docs/people.md",
        "docs/payments.md",
        "docs/recipes.md",
    ):  # goes on where the guide to the API ends
        socket_site.pageview(visitor)
    for block in blocks:
        expected = STATUS.findall(block)
        assert expected
        statuses, body = run_block(
            block.replace("example.com", socket_site.domain), variables, tmp_path / "body"
        )
        assert statuses == expected, f"{block}\n{body}"


def test_the_readme_shows_what_its_calls_print(socket_site: Site, tmp_path: Path) -> None:
    [block] = BASH_BLOCK.findall((ROOT / "README.md").read_text("utf-8"))
    variables = {
        "FOOTFALL": socket_site.url,
        "KEY": socket_site.key,
        "TRACKING_ID": socket_site.tracking_id,
        "VISITOR": str(uuid.uuid4()),
    }
    shown = re.findall(r"^(curl .*?)\n# (.*?)$", block, re.MULTILINE | re.DOTALL)
    assert len(shown) == block.count("curl ")
    for call, printed in shown:
        _, body = run_block(call.replace("example.com", socket_site.domain), variables, tmp_path / "body")
        parts = [re.escape(part.strip()) for part in printed.split("…")]
        assert re.fullmatch(".*".join(parts), body), body


def run_block(block: str, variables: dict[str, str], body: Path) -> tuple[list[str], str]:
    """The statuses that the curl calls of a block get, and the body of the last."""
    function = 'curl() { command curl --silent --show-error --max-time 20 --output "$BODY" --write-out "%{http_code} " "$@"; }\n'
    done = subprocess.run(
        ["bash", "-eu", "-c", function + block],
        env={"PATH": os.environ["PATH"], "BODY": str(body), "no_proxy": "*", **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), body.read_text("utf-8")


def test_what_the_guide_says_about_identify_is_so(socket_site: Site, tmp_path: Path) -> None:
    blocks = BASH_BLOCK.findall((ROOT / "docs" / "api.md").read_text("utf-8"))
    visitor = str(uuid.uuid4())
    variables = {
        "FOOTFALL": socket_site.url,
        "KEY": socket_site.key,
        "TRACKING_ID": socket_site.tracking_id,
        "VISITOR": visitor,
    }
    actions = []
    for block in (block.replace("example.com", socket_site.domain) for block in blocks):
        statuses, body = run_block(block.replace("user_1", f"user_{visitor}"), variables, tmp_path / "body")
        if "/api/v1/identify" in block and statuses == ["200"]:
            actions.append(msgspec.json.decode(body)["data"]["action"])
    assert actions == ["created", "updated", "updated"]


@pytest.mark.parametrize(
    ("language", "interpreter"), [("python", sys.executable), ("js", "node"), ("php", "php")]
)
def test_a_signing_example_signs_as_the_server_does(language: str, interpreter: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "people.md").read_text("utf-8")
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert 4 <= len([line for line in code.splitlines() if line.strip("<?ph ")]) <= 5
    if shutil.which(interpreter) is None:
        pytest.skip(f"{interpreter} is not installed")
    program = tmp_path / "sign"
    program.write_text(code, "utf-8")
    for user_id in ("user_1", "zoë:ü\U0001f600"):
        done = subprocess.run(
            [interpreter, program, user_id],
            env={"PATH": os.environ["PATH"], "SIGNING_SECRET": "s3cret", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert done.stdout.strip() == sign_user("s3cret", user_id)
