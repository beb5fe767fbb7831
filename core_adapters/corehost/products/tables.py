"""The products' tables, what a check of them must not find, and how an older bank gets them."""

from core_adapters.corehost.products import bills, deposits, history, orders

SCHEMA = orders.SCHEMA + deposits.SCHEMA + history.SCHEMA + bills.SCHEMA
CHECKS = (*orders.CHECKS, *deposits.CHECKS, *bills.CHECKS)

UPGRADE = (
    SCHEMA,
    """INSERT INTO posted_order
       SELECT t.key, t.card, t.business_date, t.minor, t.fee, t.undone, t.reference, t.service,
         (SELECT a.currency FROM leg l JOIN ledger_account a ON a.id = l.account
          WHERE l.posting = p.id LIMIT 1), 'transfer'
       FROM transfer t JOIN posting p ON p.key = t.key;""",
    # What was quoted in the last two minutes before is quoted again.
    "DROP TABLE quote;",
    "DROP TABLE transfer;",
    "INSERT INTO ledger_account SELECT 'interest:' || substr(id, 7), currency"
    " FROM ledger_account WHERE id LIKE 'vault:%';",
)
"""Scripts that bring a bank without products to this."""
