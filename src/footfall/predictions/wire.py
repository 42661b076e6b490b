"""A prediction as the API shows it. Pure."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

import msgspec

from footfall.payments.money import to_major
from footfall.predictions.model import Prediction
from footfall.web.json import encode


class PredictionData(msgspec.Struct, frozen=True, rename="camel"):
    """`score` 0 to 100, 50 as all visitors; `conversion_rate` and `confidence` 0 to 1; `expected_value` in the website's currency."""

    score: int
    conversion_rate: float
    expected_value: int | Decimal
    confidence: float


@lru_cache(4096)
def prediction_json(one: Prediction) -> msgspec.Raw:
    """Rounded to what it can claim to know. The same prediction is often shown, so it is kept as it goes out."""
    data = PredictionData(one.score, round(one.rate, 5), to_major(one.expected), round(one.confidence, 2))
    return msgspec.Raw(encode(data))
