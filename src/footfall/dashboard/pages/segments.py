"""Saved segments: filters under a name, on every page that has filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from footfall.dashboard.address import ViewAddress, read_address
from footfall.dashboard.page import PageRequest, redirect
from footfall.errors import BadRequest, accepted
from footfall.ids import parse_object_id
from footfall.segments.model import Segment
from footfall.segments.store import remove_segments, save_segment
from footfall.web.envelope import Response

PAGES = ("overview", "people", "live", "revenue", "goals", "funnels", "retention")
"""Where segments stand, and forms about them lead back to."""


class ShownSegment(NamedTuple):
    """`href`: the page with the segment; `is_chosen`: whether it shows just that."""

    segment_id: bytes
    name: str
    href: str
    is_chosen: bool


def show_segments(address: ViewAddress, segments: Sequence[Segment]) -> list[ShownSegment]:
    """Segments as links from a page."""
    shown = _kept(address)
    return [_show(address, one, read_address(address.path, parse_qsl(one.query)), shown) for one in segments]


def _show(address: ViewAddress, one: Segment, saved: ViewAddress, shown: ViewAddress) -> ShownSegment:
    return ShownSegment(one.segment_id, one.name, saved.href, sorted(saved.pairs) == sorted(shown.pairs))


def _kept(address: ViewAddress) -> ViewAddress:
    """What a segment keeps of an address: range and filters, not what only one page shows."""
    return address.at(address.path).having(metric=None, interval=None)


async def save(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/segments`: the filters of an address of a page, `back`, as a segment."""
    back = back_to(request)
    kept = _kept(back)
    if not kept.chips:
        raise BadRequest("A segment needs a filter.")
    name, query = request.form.get("name", ""), kept.here.removeprefix("?")
    website_id, now = request.site.website_id, request.now
    accepted(
        await request.services.database.change(lambda tx: save_segment(tx, website_id, name, query, now))
    )
    return redirect(request, back.href)


async def delete(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/segments/delete`."""
    website_id = request.site.website_id
    if segment_id := parse_object_id(request.form.get("id", "")):
        await request.services.database.change(lambda tx: remove_segments(tx, website_id, [segment_id]))
    return redirect(request, back_to(request).href)


def back_to(request: PageRequest) -> ViewAddress:
    """The address from which a form came: a page of the same website, whatever the form says."""
    where, _, query = request.form.get("back", "").partition("?")
    page = where.rpartition("/")[2]
    path = f"/w/{request.site.website_id.hex()}/{page if page in PAGES else PAGES[0]}"
    pairs = parse_qsl(query.partition("#")[0])
    return read_address(path, pairs, tuple({name for name, _ in pairs if name.isidentifier()}))
