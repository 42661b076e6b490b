"""Requests of all kinds on one connection, cut into arbitrary pieces, get the right answers in their order."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.wires import Answer, Client, Echo, answers

MOST = 300
"""Bytes of a body, here."""


class Sent(msgspec.Struct, frozen=True):
    """A request, and what has to come of it: status and told body; None where nobody answers. `is_last`: nothing is read after it."""

    raw: bytes
    method: str
    status: int
    told: Any
    is_last: bool


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    method = draw(st.sampled_from(["GET", "POST", "POST", "HEAD"]))
    is_early = draw(st.integers(0, 4)) == 0
    version = draw(st.sampled_from(["1.1"] * 6 + ["1.0"]))
    target = f"/{'early' if is_early else 'x'}/{draw(st.integers(0, 99))}"
    body = draw(st.binary(max_size=draw(st.sampled_from([0, 20, MOST, MOST + 20]))))
    is_chunked = version == "1.1" and draw(st.booleans())
    lines = ["host: footfall"] if version == "1.1" or draw(st.booleans()) else []
    expects = version == "1.1" and draw(st.integers(0, 5)) == 0
    closes = draw(st.integers(0, 9)) == 0
    upgrades = not closes and draw(st.integers(0, 5)) == 0
    lines += ["expect: 100-continue"] if expects else []
    lines += ["connection: close"] if closes else []
    lines += ["connection: upgrade", "upgrade: h2c"] if upgrades else []
    lines += ["transfer-encoding: chunked"] if is_chunked else [f"content-length: {len(body)}"]
    head = "".join(f"{line}\r\n" for line in draw(st.permutations(lines)))
    framed = draw(chunked(body)) if is_chunked else body
    is_large = not is_early and len(body) > MOST
    told = (
        None if method == "HEAD" or is_large else [method, target, "" if is_early else body.decode("latin-1")]
    )
    is_refused = is_early or (is_large and not is_chunked)
    is_last = version == "1.0" or closes or is_large or (expects and is_refused)
    raw = f"{method} {target} HTTP/{version}\r\n{head}\r\n".encode() + framed
    return Sent(raw, method, 401 if is_early else 413 if is_large else 200, told, is_last)


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> bytes:
    """The body in chunks, some with an extension, and trailers after the last."""
    cuts = sorted({0, len(body), *draw(st.lists(st.integers(0, len(body)), max_size=3))})
    parts = [body[start:end] for start, end in itertools.pairwise(cuts)]
    extension = draw(st.sampled_from(["", ";a=b", ";a"]))
    trailers = draw(st.sampled_from(["", "X-Sum: 1\r\n", "Authorization: x\r\nHost: other\r\n"]))
    lines = [f"{len(part):x}{extension}\r\n".encode() + part + b"\r\n" for part in parts]
    return b"".join(lines) + f"0{extension}\r\n{trailers}\r\n".encode()


@settings(max_examples=100, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=6), st.data())
def test_every_pipeline_is_answered_in_its_order(sent: list[Sent], data: st.DataObject) -> None:
    raw = b"".join(one.raw for one in sent)
    cuts = sorted({0, len(raw), *data.draw(st.lists(st.integers(0, len(raw)), max_size=8))})
    pieces = [raw[start:end] for start, end in itertools.pairwise(cuts)]
    is_hasty = data.draw(st.booleans(), label="all is sent before the first answer is made")

    async def scenario() -> tuple[bytes, bool]:
        client = Client(Echo(MOST))
        for piece in pieces:
            client.connection.data_received(piece)
            if not is_hasty:
                await client.settled()
        await client.settled()
        return client.wire.written, client.wire.is_half_closed

    written, is_ended = asyncio.run(scenario())
    last = next((number for number, one in enumerate(sent) if one.is_last), None)
    expected = sent if last is None else sent[: last + 1]
    found = answers(written, [one.method for one in expected])
    assert [one.status for one in found] == [one.status for one in expected]
    assert [_told(one) for one in found] == [one.told for one in expected]
    assert is_ended == (last is not None)


def _told(answer: Answer) -> Any:
    """What the application echoed; None for an error's text."""
    return answer.told if isinstance(answer.told, list) else None
