"""The borders of the items of a batch."""

from __future__ import annotations

import msgspec
import pytest

from footfall.errors import ApiError, BadRequest
from footfall.identity.identify.wire import Identify, JunkUserId, read_identify
from footfall.web import batch
from footfall.web.batch import MAX_ITEMS, BatchReader, read_batch
from tests.support.sites import identify_body, new_visitor


@pytest.mark.parametrize("rest", [b'\\"' * 1000, b'\\"' * 1000 + b"\\", b'a\\"' * 1000, b"\\" * 999])
def test_a_string_that_is_never_closed_is_walked_through_once(rest: bytes) -> None:
    walked = [token.end() - token.start() for token in batch._TOKEN.finditer(b'[{"user_id":"' + rest)]
    assert walked == [1, 1, len(b'"user_id"'), 1 + len(rest) - rest.endswith(b"\\") * (len(rest) % 2)]
    with pytest.raises(BadRequest, match="JSON array"):
        read_batch(b'[{"user_id":"' + rest, "calls")


def test_an_upload_that_is_cut_within_a_string_of_json_is_refused() -> None:
    inner = msgspec.json.encode([{"note": 'a "quoted" word', "n": n} for n in range(2000)]).decode()
    whole = msgspec.json.encode([identify_body(new_visitor(), raw=inner)])
    assert len(read_batch(whole, "calls")) == 1
    with pytest.raises(BadRequest, match="JSON array"):
        read_batch(whole[:-1000], "calls")


def test_of_far_too_many_items_no_more_than_needed_are_counted() -> None:
    with pytest.raises(BadRequest, match=f"at most {MAX_ITEMS} calls"):
        read_batch(b"[x," + b"1," * 10 * MAX_ITEMS, "calls")


def test_each_call_of_a_batch_is_read_on_its_own() -> None:
    visitor = new_visitor()
    bodies = [identify_body(visitor), identify_body(visitor, "null"), [1], identify_body(visitor, "B")]
    reader = BatchReader(read_identify, "identify calls")
    kinds = [type(one) for one in reader.calls(msgspec.json.encode(bodies))]
    assert kinds == [Identify, JunkUserId, BadRequest, Identify]
    assert issubclass(JunkUserId, ApiError)
