"""What Stripe's subscriptions bring per month: several items, each with its interval, minus lasting discounts. Pure."""

from __future__ import annotations

import re
from fractions import Fraction

from footfall.payments.money import Money
from footfall.payments.providers.model import Interval
from footfall.payments.providers.reading import Node, beside, per_month, read_interval
from footfall.payments.providers.stripe_money import round_money


@beside
def find_interval(subscription: Node) -> Interval | None:
    """How often the first item recurs."""
    return next((interval for item in _items(subscription) if (interval := _interval(item))), None)


@beside
def price_of_items(subscription: Node) -> Fraction | None:
    """What all items bring per month before discounts; None if it cannot be determined: prices with tiers, more items than were sent."""
    items = _items(subscription)
    parts = [_part(item) for item in items]
    known = [part for part in parts if part is not None]
    is_whole = len(known) == len(items) > 0 and not subscription.get("items").flag("has_more")
    return sum(known, Fraction()) if is_whole else None


@beside
def monthly_of_subscription(subscription: Node) -> Money | None:
    """The same after lasting discounts; None also if only ids of discounts were sent."""
    total, interval, coupons = (
        price_of_items(subscription),
        find_interval(subscription),
        _coupons(subscription),
    )
    if total is None or coupons is None or any(item.values.get("discounts") for item in _items(subscription)):
        return None
    for coupon in coupons:
        total -= _reduction(coupon, total, interval)
    return round_money(max(total, Fraction()), _currency(subscription))


def _items(subscription: Node) -> list[Node]:
    return subscription.get("items").nodes("data")


def _currency(subscription: Node) -> str:
    named = subscription if subscription.find_text("currency") else _items(subscription)[0].get("price")
    return named.currency("currency")


def _part(item: Node) -> Fraction | None:
    """What one item brings per month. For a metered item, nothing is known in advance. None: not given."""
    recurring, plan = item.get("price", "recurring"), item.get("plan")
    if "metered" in (recurring.find_text("usage_type"), plan.find_text("usage_type")):
        return Fraction()
    amount, interval = _unit_amount(item), _interval(item)
    if amount is None or interval is None:
        return None
    quantity = item.find_whole("quantity")
    return per_month(amount * (1 if quantity is None else quantity), interval)


def _unit_amount(item: Node) -> Fraction | None:
    price, plan = item.get("price"), item.get("plan")
    whole = price.find_whole("unit_amount")
    whole = plan.find_whole("amount") if whole is None else whole
    return _decimal(price, "unit_amount_decimal") if whole is None else Fraction(whole)


def _decimal(node: Node, name: str) -> Fraction | None:
    text = node.find_text(name)
    if text is not None and not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,12})?", text):
        raise node.fail(name, "must be an amount with at most 12 decimal places")
    return None if text is None else Fraction(text)


def _interval(item: Node) -> Interval | None:
    recurring, plan = item.get("price", "recurring"), item.get("plan")
    said = read_interval(recurring, "interval", "interval_count")
    return said or read_interval(plan, "interval", "interval_count")


def _coupons(subscription: Node) -> list[Node] | None:
    """The discounts of the whole subscription; None if only their ids were sent."""
    listed, single = subscription.values.get("discounts") or [], subscription.find("discount")
    if (
        single and type(listed) is list and len(listed) <= 1
    ):  # the old format: the one discount, and its id in the list
        discounts = [single]
    elif type(listed) is list and all(type(one) is dict for one in listed):
        discounts = subscription.nodes("discounts")
    else:
        return None
    coupons = [_coupon(discount) for discount in discounts]
    known = [coupon for coupon in coupons if coupon]
    return known if len(known) == len(coupons) else None


def _coupon(discount: Node) -> Node | None:
    holders = (discount, discount.get("source"))
    return next(
        (holder.find("coupon") for holder in holders if type(holder.values.get("coupon")) is dict), None
    )


def _reduction(coupon: Node, total: Fraction, interval: Interval | None) -> Fraction:
    """What it takes off per month; nothing if it applies once."""
    if coupon.find_text("duration") == "once":
        return Fraction()
    amount = coupon.find_whole("amount_off")
    if amount is not None:
        return per_month(amount, interval) if interval else Fraction()
    return total * _percent(coupon) / 100


def _percent(coupon: Node) -> Fraction:
    value = coupon.values.get("percent_off")
    if type(value) not in (int, float) or not 0 <= value <= 100:  # type: ignore[operator]
        raise coupon.fail("percent_off", "must be a number from 0 to 100")
    return Fraction(str(value))
