"""The products' tables, what a check of them must not find, and how an older bank gets them."""

from core_adapters.corehost.products import contacts, history, names, orders
from core_adapters.corehost.products.bills import claims as bills
from core_adapters.corehost.products.bonds import holdings as bonds
from core_adapters.corehost.products.cards import uses as cards
from core_adapters.corehost.products.cheques import books as cheques
from core_adapters.corehost.products.companies import accounts as companies
from core_adapters.corehost.products.companies import loans as company_loans
from core_adapters.corehost.products.companies import payments as company_payments
from core_adapters.corehost.products.companies import people as company_people
from core_adapters.corehost.products.deposits import accounts as deposits
from core_adapters.corehost.products.end_of_day import book as end_of_day
from core_adapters.corehost.products.exchange import product as fx
from core_adapters.corehost.products.loans import accounts as loans
from core_adapters.corehost.products.securities import funds as securities

_ACCOUNTS = orders.SCHEMA + deposits.SCHEMA + history.SCHEMA + bills.SCHEMA
_INVESTMENTS = loans.SCHEMA + bonds.SCHEMA + fx.SCHEMA + securities.SCHEMA + companies.SCHEMA
_SERVICES = "".join(
    (
        cards.SCHEMA,
        contacts.SCHEMA,
        cheques.SCHEMA,
        names.SCHEMA,
        end_of_day.SCHEMA,
        company_people.SCHEMA,
        company_loans.SCHEMA,
        company_payments.SCHEMA,
    )
)
SCHEMA = _ACCOUNTS + _INVESTMENTS + _SERVICES + contacts.MAILBOXES
CHECKS = (
    *orders.CHECKS,
    *deposits.CHECKS,
    *bills.CHECKS,
    *loans.CHECKS,
    *bonds.CHECKS,
    *fx.CHECKS,
    *securities.CHECKS,
    *companies.CHECKS,
    *cheques.CHECKS,
    *end_of_day.CHECKS,
    *company_people.CHECKS,
    *company_loans.CHECKS,
    *company_payments.CHECKS,
)

ACCOUNTS_UPGRADE = (
    _ACCOUNTS,
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
"""Scripts that give a bank without products deposits, history and bills."""
INVESTMENTS_UPGRADE = (_INVESTMENTS,)
"""Scripts that give it loans, bonds, foreign exchange, securities and companies."""
SERVICES_UPGRADE = (_SERVICES,)
"""Scripts that give it cheques, blocks and activation of cards, mobile numbers, account names."""
MAILBOXES_UPGRADE = (contacts.MAILBOXES,)
"""Scripts that give it mail addresses."""
