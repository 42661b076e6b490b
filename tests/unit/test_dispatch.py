"""What is logged of calls that go wrong."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from footfall.errors import DatabaseError
from footfall.web.context import Context, Credential, Route
from footfall.web.dispatch import Dispatch
from footfall.web.envelope import Headers, Reply


class Anyone:
    """Everybody may call."""

    def check(self, context: Context, route: Route) -> Headers | None:
        return []

    async def check_anew(self, context: Context, route: Route) -> Headers:
        return []

    def check_late(self, context: Context, route: Route) -> None:
        pass


def test_a_database_error_is_logged_without_the_person_in_the_path() -> None:
    async def fail(context: Context) -> Reply:
        raise DatabaseError("disk I/O error")

    route = Route("GET", "/profiles/{ref}", fail, Credential.OPEN)
    dispatch = Dispatch([route], Anyone(), lambda: 0)
    call = dispatch.begin("GET", b"/profiles/user:ada@example.com?search=ada", {}, "203.0.113.9")
    with capture_logs() as lines:
        assert asyncio.run(dispatch.answer(call, b"")).status == 503
    (line,) = lines
    assert line["route"] == "/profiles/{ref}"
    assert "ada" not in str(line)
    assert "203.0.113.9" not in str(line)
