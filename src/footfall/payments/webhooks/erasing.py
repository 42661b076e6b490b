"""What erasures take of deliveries: ids of sales and who customers are. What was paid and refunded stays, as the payments do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from footfall.db.protocol import Params, Transaction
from footfall.payments.model import Payment
from footfall.payments.webhooks.store import bare_sales, sql


def forget_sales(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> None:
    """Hashes take the place of ids in what was said of these payments; their customers are forgotten."""
    parts = tx.get_many(sql.part_of_payment, [(website_id, one.payment_id) for one in payments])
    sales: list[Params] = [
        (website_id, one) for one in sorted({row.sale_id for row in parts if row is not None})
    ]
    bare_sales(tx, sales)
    customers = {one.customer_id for one in payments if one.customer_id is not None}
    tx.execute_many(sql.customer_remove, [(website_id, one) for one in sorted(customers)])


def forget_customers(tx: Transaction, website_id: bytes, clues: Iterable[bytes]) -> None:
    """Forget the customers to whom the clues of erased people lead."""
    tx.execute_many(sql.customers_forget, [(website_id, clue) for clue in clues])
