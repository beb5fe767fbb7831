"""One small bank with deposits, loans and bonds; a customer who has a bit of each."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from pathlib import Path

from core_adapters.corehost import ledger, tables
from core_adapters.corehost.ledger import findings, transaction
from core_adapters.corehost.products.bonds import holdings as bonds
from core_adapters.corehost.products.bonds.orders import BondOrders
from core_adapters.corehost.products.deposits.orders import DepositOrders
from core_adapters.corehost.products.effects import EFFECTS
from core_adapters.corehost.products.loans import accounts as loans
from core_adapters.corehost.products.loans.orders import LoanOrders
from core_adapters.corehost.products.orders import Agreed, Orders
from core_adapters.corehost.products.plantings.accounts import FULL, plant_deposits
from core_adapters.corehost.products.plantings.bonds import FULL_BONDS, plant_bonds
from core_adapters.corehost.products.plantings.loans import Credit, Owing, plant_loans
from core_adapters.corehost.refusal import Refusal
from support.bank_services import ACCOUNT, CARD, CNY, NOON, SmallBank
from transactions.money import Money

CREDIT = Credit(5_000_000, (Owing("y1", 1_000_000, 5), Owing("m3", 300_000, 4)))
KEYS = count(1)


class Lending(SmallBank):
    """A card with 10,000.00, seven deposits, a line of 50,000.00 with two loans, four bonds."""

    def __init__(self, path: Path, at: datetime = NOON) -> None:
        super().__init__(path, at, subscribed=False)
        self.orders = Orders(self.office, EFFECTS)
        self.deposits = DepositOrders(self.office, self.orders)
        self.loans = LoanOrders(self.office, self.orders)
        self.bonds = BondOrders(self.office, self.orders)
        with transaction(self.db):
            loans.open_accounts(self.office, CNY)
            bonds.open_accounts(self.office, CNY)
            plant_deposits(self.office, ACCOUNT, FULL, at)
            plant_loans(self.office, ACCOUNT, CREDIT, at)
            plant_bonds(self.office, ACCOUNT, FULL_BONDS, at)

    @property
    def held(self) -> int:
        """Fen on the card's account."""
        return self.balance(ACCOUNT)

    def order(
        self,
        kind: str,
        quote: str,
        terms: tuple[Money, Money],
        about: Mapping[str, str],
        now: datetime = NOON,
    ) -> str | Refusal:
        """Post a quote on its amount and fee; gives the business key."""
        key = f"2026-02-28/TB010001/{next(KEYS):06d}/0228040000"
        agreed = Agreed(key, CARD, kind, quote, *terms, about=about)
        with transaction(self.db):
            return self.orders.post(agreed, now) or key

    def undo(self, key: str | Refusal, now: datetime = NOON) -> bool:
        """Undo an order that was posted."""
        assert isinstance(key, str), key
        with transaction(self.db):
            return self.orders.undo(key, now)

    def findings(self) -> list[str]:
        """What a check of everything finds."""
        return findings(self.db, (*ledger.CHECKS, *tables.CHECKS))
