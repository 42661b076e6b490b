"""The guides are right: what stands in them is run, or compared with the code."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from footfall.collect.model import Reason
from tests.conftest import MakeServer
from tests.support.dashboard import Visit, make_account
from tests.support.servers import RunningServer, until
from tests.support.sites import Site, new_visitor

DOCS = Path(__file__).parents[2] / "docs"


def section(page: str, title: str) -> str:
    """What stands under a heading."""
    text = (DOCS / page).read_text("utf-8")
    [found] = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(found)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


# Troubleshooting


def test_every_reason_to_drop_an_event_has_its_remedy() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.+) \| (.+) \|$", section("troubleshooting.md", "Dropped events"), re.M
    )
    assert [row[0] for row in rows] == [reason.value for reason in Reason]


# Backends

EXPRESS = """
import {{ identify }} from "./footfall.mjs";
await identify({{ cookies: {{ datafast_visitor_id: "{visitor}" }} }}, {{ id: "user_9", name: "Ada", email: "ada@x.example" }});
await identify({{ cookies: {{}} }}, {{ id: "user_10" }});
"""
PEOPLE = """
import sys, types
class User:
    pk = id = "user_9"
    name, email = "Ada", "ada@x.example"
    def get_full_name(self): return self.name
class Request:
    COOKIES = {{"datafast_visitor_id": "{visitor}"}}
class Stranger:
    COOKIES = {{}}
"""
DJANGO = (
    PEOPLE
    + """
signals, dispatch = types.ModuleType("signals"), types.ModuleType("dispatch")
signals.user_logged_in, dispatch.receiver = object(), lambda signal: lambda function: function
for name in ("django", "django.contrib", "django.contrib.auth"): sys.modules[name] = types.ModuleType(name)
sys.modules["django.contrib.auth.signals"], sys.modules["django.dispatch"] = signals, dispatch
from footfall_guide import identify
for request in (Request, Stranger, None): identify(User, request, User())
"""
)
FASTAPI = (
    PEOPLE
    + """
import asyncio
from footfall_guide import identify
asyncio.run(identify(Request.COOKIES["datafast_visitor_id"], User()))
"""
)


def run_guide(framework: str, visitor: str, folder: Path, url: str, key: str) -> str:
    """Run a framework's function for a visitor who signs in; what it logged."""
    language = "js" if framework == "Express" else "python"
    code = blocks(section("backends.md", framework), language)[0]
    program = {"Express": EXPRESS, "Django": DJANGO, "FastAPI": FASTAPI}[framework].format(visitor=visitor)
    names = ("footfall.mjs", "main.mjs") if language == "js" else ("footfall_guide.py", "main.py")
    for name, text in zip(names, (code, program), strict=True):
        (folder / name).write_text(text, "utf-8")
    interpreter = shutil.which("node") if language == "js" else sys.executable
    assert interpreter
    done = subprocess.run(
        [interpreter, names[1]],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "no_proxy": "*", "FOOTFALL_URL": url, "FOOTFALL_KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("framework", ["Express", "Django", "FastAPI"])
def test_the_guide_to_a_framework_identifies_who_signs_in(
    framework: str, socket_site: Site, tmp_path: Path
) -> None:
    visitor = socket_site.pageview()
    assert run_guide(framework, visitor, tmp_path, socket_site.url, socket_site.key) == ""
    profile = socket_site.visitor(visitor)["profile"]
    assert (profile["userId"], profile["metadata"]) == ("user_9", {"name": "Ada", "email": "ada@x.example"})


@pytest.mark.parametrize("framework", ["Express", "Django", "FastAPI"])
def test_a_sign_in_survives_that_footfall_does_not_answer(framework: str, tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert "footfall:" in run_guide(framework, new_visitor(), tmp_path, nobody, "df_x")


def test_the_examples_of_all_frameworks_can_be_parsed() -> None:
    page = (DOCS / "backends.md").read_text("utf-8")
    for code in blocks(page, "python"):
        compile(code, "backends.md", "exec")
    for title in ("Express", "Django", "FastAPI", "Rails", "Laravel"):
        told = section("backends.md", title)
        for needed in (
            "datafast_visitor_id",
            "user_id",
            "/api/v1/identify",
            "Bearer" if title != "Laravel" else "withToken",
        ):
            assert needed in told, title


# TLS


@pytest.fixture
def secure(start: MakeServer) -> Iterator[tuple[RunningServer, httpx.Client]]:
    """A server behind the guide's nginx, and a client of it."""
    server = start({"FOOTFALL_TRUSTED_PROXIES": "127.0.0.1"})
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    assert nginx, "make test installs Debian's nginx"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate(folder)
        (folder / "nginx.conf").write_text(nginx_config(folder, server), "utf-8")
        process = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-p", folder])
        try:
            until((folder / "tls").exists, "nginx does not listen")
            context = ssl.create_default_context(cafile=folder / "cert.pem")
            transport = httpx.HTTPTransport(uds=str(folder / "tls"), verify=context)
            with httpx.Client(transport=transport, base_url="https://footfall.example.com") as client:
                yield server, client
        finally:
            process.terminate()
            process.wait()


def certificate(folder: Path) -> None:
    name = ["-subj", "/CN=footfall.example.com", "-addext", "subjectAltName=DNS:footfall.example.com"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", *kind, *name, *files], check=True, capture_output=True
    )


def nginx_config(folder: Path, server: RunningServer) -> str:
    """The guide's configuration on sockets of the folder, with both of its blocks for nginx."""
    whole, public = (
        blocks(section("https.md", title), "nginx")[0] for title in ("nginx", "Keep the dashboard private")
    )
    inside = whole.replace("    location / {", public + "\n    location / {", 1)
    for stated, real in {
        "443 ssl": f"unix:{folder}/tls ssl",
        "listen 80;": f"listen unix:{folder}/plain;",
        "/etc/letsencrypt/live/footfall.example.com/fullchain.pem": f"{folder}/cert.pem",
        "/etc/letsencrypt/live/footfall.example.com/privkey.pem": f"{folder}/key.pem",
        "127.0.0.1:8000": f"127.0.0.1:{server.port}",
        "$remote_addr": "5.9.0.1",  # a socket file has no address
    }.items():
        assert stated in inside
        inside = inside.replace(stated, real)
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    return (
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr warn; {user} events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body; {paths}\n{inside} }}"
    )


def test_no_nginx_of_the_guides_lets_browsers_choose_their_address() -> None:
    for page in DOCS.glob("*.md"):
        for block in blocks(page.read_text("utf-8"), "nginx"):
            for location in re.findall(r"^ *location .*?\n *}", block, re.MULTILINE | re.DOTALL):
                if "/js/;" not in location:  # whom the script is for does not matter
                    assert "proxy_set_header X-Forwarded-For $" in location, f"{page.name}: {location}"


def test_behind_the_guides_nginx_the_dashboard_is_served_by_https(
    secure: tuple[RunningServer, httpx.Client],
) -> None:
    server, client = secure
    account = make_account(server.place)
    visit = Visit("https://footfall.example.com")
    visit.http.close()
    visit.http = client
    inside = visit.log_in(account.email)
    assert inside.status_code == 303, inside.text
    assert "; Secure" in inside.headers["set-cookie"]
    assert visit.is_inside()
    for path, status in {"/docs": 200, "/js/script.js": 200, "/api/v1/profiles": 401}.items():
        assert client.get(path).status_code == status
