"""Which funnels the conditions of a question name."""

from __future__ import annotations

from collections.abc import Sequence

from footfall.analytics.dimensions import MetricFilter
from footfall.analytics.passing import FunnelPart
from footfall.db.protocol import Transaction
from footfall.errors import BadRequest, NotFound
from footfall.funnels.store import find_funnel


def read_funnel_parts(tx: Transaction, asked: tuple[bytes, Sequence[MetricFilter]]) -> list[FunnelPart]:
    """What conditions by funnel of a website (its id) mean. Raises BadRequest if there is no such funnel, or no such step to stop at."""
    website_id, conditions = asked
    return [_read_part(tx, website_id, one) for one in conditions]


def _read_part(tx: Transaction, website_id: bytes, condition: MetricFilter) -> FunnelPart:
    ref, number, way = condition.values[0].split(":")
    funnel = find_funnel(tx, (website_id, ref))
    if isinstance(funnel, NotFound):
        raise BadRequest(f"filter_funnel: this website has no funnel {ref[:100]}.")
    step, is_stopped, most = int(number), way == "stopped", len(funnel.steps)
    if step > most - is_stopped:
        said = f"nobody stops at the last of {most} steps" if step == most else f"there are {most} steps"
        raise BadRequest(f"filter_funnel: {said}.")
    return FunnelPart(funnel.steps, step - 1, is_stopped, condition.operator.is_negation)
