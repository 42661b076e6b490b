"""A ClickHouse server for tests: the engine that chdb brings, behind as much of the HTTP interface as clients use.

It knows of a cluster, `main`, of two shards without replicas, which both are itself: so what is asked of all shards is counted twice.
"""

from __future__ import annotations

import email.parser
import email.policy
import importlib.util
import re
import secrets
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

IS_THERE = importlib.util.find_spec("chdb") is not None
"""Whether the engine is installed: there is none for some machines."""
TRANSPORT = {"database", "query", "query_id", "session_id", "wait_end_of_query", "client_protocol_version"}
"""Parameters that are no settings of a query, or that do not matter here."""
_INSERT = re.compile(rb"\s*(INSERT INTO .*?)\s+FORMAT\s+(\w+)\s*?\n", re.IGNORECASE | re.DOTALL)
_FORMAT = re.compile(r"\sFORMAT\s+(\w+)\s*$", re.IGNORECASE)
_REPLICATED = re.compile(r"Replicated(\w+MergeTree)\('[^']*', '[^']*', ")
_ON_CLUSTER = " ON CLUSTER `main`"
_PORT = 9000
"""Nobody listens there: a shard at this port is the engine itself."""
_SHARD = f"<shard><replica><host>127.0.0.1</host><port>{_PORT}</port></replica></shard>"
_CONFIG = f"""<clickhouse>
    <tcp_port>{_PORT}</tcp_port>
    <remote_servers><main>{_SHARD * 2}</main></remote_servers>
</clickhouse>"""
_LONGEST = 128 * 1024
"""Bytes of a field of a form."""
_CODE = re.compile(r"Code: (\d+)")


class LocalClickHouse:
    """A server on 127.0.0.1. A process can have one. It answers one query after the other."""

    def __init__(self) -> None:
        from chdb.session import Session

        self._folder = tempfile.TemporaryDirectory(prefix="footfall-clickhouse-")
        config = Path(self._folder.name) / "config.xml"
        config.write_text(_CONFIG)
        at = f"{self._folder.name}/data?config-file={config}"
        self._session: Any = Session(at)  # type: ignore[no-untyped-call]
        self._run(
            "SET mutations_sync = 2, max_threads = 1, compile_expressions = 0, compile_aggregate_expressions = 0"
        )
        self._lock = threading.Lock()
        self._database = ""
        self.killed: list[str] = []
        """What was to be cut off."""
        local = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                is_chunked = self.headers.get("Transfer-Encoding") == "chunked"
                self._answer(
                    _chunks(self.rfile)
                    if is_chunked
                    else self.rfile.read(int(self.headers.get("Content-Length", 0)))
                )

            def _answer(self, body: bytes) -> None:
                params = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
                kind = self.headers.get("Content-Type", "")
                try:
                    if kind.startswith("multipart/form-data"):
                        params |= _form(kind, body)
                        body = b""
                    status, code, found = 200, None, local.answer(params, body)
                except RuntimeError as error:
                    status, code, found = 500, _CODE.search(str(error)), str(error).encode()
                self.send_response(status)
                if code:
                    self.send_header("X-ClickHouse-Exception-Code", code.group(1))
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def new_database(self) -> str:
        """The URL of a new database. What is removed is gone once that is answered."""
        name = "footfall_" + secrets.token_hex(6)
        self._run(f"CREATE DATABASE {name}")
        return f"clickhouse://default@127.0.0.1:{self._server.server_port}/{name}"

    def answer(self, params: dict[str, str], body: bytes) -> bytes:
        """What a request gets. Raises RuntimeError."""
        text = params.get("query", "").encode() + (b"\n" if "query" in params and body else b"") + body
        if text.startswith(b"KILL QUERY"):
            self.killed.append(params.get("param_query_id", ""))
            return b""
        bound = {
            name.removeprefix("param_"): value for name, value in params.items() if name.startswith("param_")
        }
        wanted = {
            name: value
            for name, value in params.items()
            if name not in TRANSPORT and not name.startswith(("param_", "http_", "send_", "cancel_http_"))
        }
        with self._lock:
            if (database := params.get("database", self._database)) != self._database:
                self._run(f"USE {database}")
                self._database = database
            return self._insert(text) if _INSERT.match(text) else self._query(text.decode(), bound, wanted)

    def _insert(self, text: bytes) -> bytes:
        found = _INSERT.match(text)
        assert found is not None
        with tempfile.NamedTemporaryFile() as file:
            file.write(text[found.end() :])
            file.flush()
            into, form = found.group(1).decode(), found.group(2).decode()
            self._run(f"{into} SELECT * FROM file('{file.name}', '{form}')")
        return b""

    def _query(self, text: str, bound: dict[str, str], wanted: dict[str, str]) -> bytes:
        form, text = _FORMAT.search(text), _FORMAT.sub("", text)
        if wanted and text.lstrip().startswith(("SELECT", "WITH")):
            text += " SETTINGS " + ", ".join(f"{name} = '{value}'" for name, value in wanted.items())
        return self._run(text, form.group(1) if form else "TabSeparated", bound)

    def _run(self, text: str, form: str = "TabSeparated", bound: dict[str, str] | None = None) -> bytes:
        if _ON_CLUSTER in text:
            text = _REPLICATED.sub(r"\1(", text.replace(_ON_CLUSTER, ""))
        found: bytes = self._session.query(text, form, params=bound or {}).bytes()
        return found

    def close(self) -> None:
        """Stop and delete everything."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._session.close()
        self._folder.cleanup()


def _chunks(file: Any) -> bytes:
    """A body that is sent in chunks."""
    body = b""
    while size := int(file.readline(), 16):
        body += file.read(size)
        file.readline()
    file.readline()
    return body


def _form(kind: str, body: bytes) -> dict[str, str]:
    """The fields of a form."""
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields = {
        str(part.get_param("name", header="content-disposition")): bytes(
            part.get_payload(decode=True)
        ).decode()
        for part in message.iter_parts()
    }
    if any(len(value.encode()) > _LONGEST for value in fields.values()):
        raise RuntimeError("Field value too long")
    return fields
