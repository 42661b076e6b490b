"""`GET /js/...`: the tracking script, for any page of any website."""

from __future__ import annotations

from footfall.errors import NotFound
from footfall.tracker.scripts import FLAVOURS, make_script
from footfall.web.context import Context
from footfall.web.envelope import Headers, Response

HEADERS: Headers = [
    (b"content-type", b"text/javascript; charset=utf-8"),
    (b"cache-control", b"public, max-age=86400, stale-while-revalidate=604800"),
    (b"vary", b"accept-encoding"),
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]


async def script(context: Context[None]) -> Response:
    """One flavour of the script; 304 when the caller has it."""
    name = context.path_values[0]
    if name not in FLAVOURS:
        raise NotFound(f"There is no such script. Those there are: {', '.join(FLAVOURS)}.")
    made = make_script(name)
    is_gzipped = context.accepts_gzip()
    etag = made.gzipped_etag if is_gzipped else made.etag
    headers = [*HEADERS, (b"etag", etag.encode())]
    if is_gzipped:
        headers.append((b"content-encoding", b"gzip"))
    known = {tag.strip().removeprefix("W/") for tag in context.header(b"if-none-match").split(",")}
    if etag in known or "*" in known:
        return Response(b"", 304, headers)
    return Response(made.gzipped if is_gzipped else made.plain, 200, headers)
