"""The lines of Stripe's invoices: what recurs, how often, and how much that is per month. Pure.

Before basil, a line holds its price; since then, only the period shows how often it recurs.
"""

from __future__ import annotations

from fractions import Fraction

from footfall.payments.money import Money
from footfall.payments.providers.model import Interval
from footfall.payments.providers.reading import Node, beside, per_month, read_interval
from footfall.payments.providers.spans import interval_between
from footfall.payments.providers.stripe_money import round_money


def lines_of(invoice: Node) -> list[Node]:
    return invoice.get("lines").nodes("data")


@beside
def find_interval(invoice: Node) -> Interval | None:
    """How often the first recurring line recurs."""
    return next((interval for line in _recurring(invoice) if (interval := _interval_of(line))), None)


@beside
def monthly_of_invoice(invoice: Node) -> Money | None:
    """What recurs, after discounts and before tax, per month; None if it cannot be determined."""
    lines = _recurring(invoice)
    parts = [(_net(line), _interval_of(line)) for line in lines]
    if not parts or invoice.get("lines").flag("has_more"):
        return None
    known = [per_month(net, interval) for net, interval in parts if interval]
    total = sum(known, Fraction())
    return (
        round_money(total, invoice.currency("currency")) if len(known) == len(parts) and total >= 0 else None
    )


def _recurring(invoice: Node) -> list[Node]:
    return [line for line in lines_of(invoice) if _is_subscribed(line) and not _is_proration(line)]


def _is_subscribed(line: Node) -> bool:
    return line.find_text("type") == "subscription" or bool(_item(line).values)


def _is_proration(line: Node) -> bool:
    return line.flag("proration") or _item(line).flag("proration")


def _item(line: Node) -> Node:
    return line.get("parent", "subscription_item_details")


def _net(line: Node) -> int:
    discounts = (discount.whole("amount") for discount in line.nodes("discount_amounts"))
    return line.whole("amount") - sum(discounts)


def _interval_of(line: Node) -> Interval | None:
    recurring, plan = line.get("price", "recurring"), line.get("plan")
    said = read_interval(recurring, "interval", "interval_count") or read_interval(
        plan, "interval", "interval_count"
    )
    return said or _by_period(line.get("period"))


def _by_period(period: Node) -> Interval | None:
    if period.values.get("start") is None or period.values.get("end") is None:
        return None
    return interval_between(period.seconds("start"), period.seconds("end"))
