"""A small bank that ends its business dates: the lending bank, with foreign money."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from core_adapters.corehost.back_office import VAULT
from core_adapters.corehost.ledger import Leg, transaction
from core_adapters.corehost.products.deposits.accounts import Deposit, Deposits
from core_adapters.corehost.products.end_of_day.book import Ended, ended
from core_adapters.corehost.products.end_of_day.run import EndOfDay
from core_adapters.corehost.products.exchange import deals as fx_deals
from core_adapters.corehost.products.exchange.accounts import FxAccounts, FxDeposit, open_deposit
from support.bank_services import ACCOUNT, CNY
from support.lending import Lending
from transactions.money import Money


def noon(day: date) -> datetime:
    """Noon at the bank."""
    return datetime.combine(day, time(4, tzinfo=UTC))


class DayBank(Lending):
    """One customer who has a bit of everything; `pass_to` lets days go by."""

    def __init__(self, path: Path, day: date) -> None:
        super().__init__(path, noon(day))
        self.day = day
        with transaction(self.db):
            fx_deals.open_accounts(self.office)
        self.days = EndOfDay(self.office)
        self.days.run_due(noon(day))

    def pass_to(self, day: date, *, skipping: bool = False) -> None:
        """Be at noon of `day`; one day at a time, or away until then."""
        while self.day < day:
            self.day = day if skipping else self.day + timedelta(days=1)
            self.days.run_due(noon(self.day))

    def cash(self, key: str, account: str, minor: int, day: date) -> None:
        """Cash into an account, or out of it."""
        unit = self.office.ledger.unit(account)
        legs = [Leg(VAULT.format(unit.code), -minor), Leg(account, minor)]
        self.office.ledger.post(key, "deposit", legs, day, noon(day))

    def deposit(self, kind: str, term: str, minor: int, rate: str, monthly: int = 0) -> str:
        """Open a deposit with cash today; gives its number."""
        deposits = Deposits(self.db)
        with transaction(self.db):
            sub = deposits.next_sub(ACCOUNT)
            ident = f"D{ACCOUNT}{sub}"
            self.office.ledger.open_account(ident, CNY)
            row = (ident, ACCOUNT, sub, kind, term, Decimal(rate), self.day, monthly, 0)
            deposits.add(Deposit(*row), None)
            self.cash(f"open:{ident}", ident, minor, self.day)
        return sub

    def foreign(self, amount: Money, term: str, rate: str) -> str:
        """Open a foreign deposit with cash today; gives its ledger account."""
        accounts = FxAccounts(self.db)
        with transaction(self.db):
            ident = f"X{ACCOUNT}{accounts.next_sub(ACCOUNT)}"
            one = FxDeposit(ident, ACCOUNT, "", amount, term, Decimal(rate), self.day)
            assert open_deposit(self.office, one, None) is None
            self.cash(f"open:{ident}", ident, amount.minor, self.day)
        return ident

    def ended(self) -> list[Ended]:
        """All dates that are over, the last one first."""
        return ended(self.db, 10_000)

    def told(self, what: str) -> list[tuple[date, int, int]]:
        """Every line of a kind, the first date first: date, count, minor units."""
        return [
            (one.day, line.count, line.amount.minor)
            for one in reversed(self.ended())
            for line in one.lines
            if line.what == what
        ]

    def state(self) -> dict[str, list[tuple[object, ...]]]:
        """All that ends of days may change, but for the time that it was done."""
        tables = {
            "leg": "SELECT account, ordinal, minor, balance FROM leg ORDER BY account, ordinal",
            "posting": "SELECT key, kind, business_date FROM posting ORDER BY key",
            "deposit": "SELECT id, opened, rate, closed_by FROM deposit ORDER BY id",
            "fx_deposit": "SELECT id, opened, rate, closed_by FROM fx_deposit ORDER BY id",
            "bill": "SELECT * FROM bill ORDER BY id",
            "bill_charge": "SELECT * FROM bill_charge ORDER BY bill, ordinal",
            "day_item": "SELECT * FROM day_item ORDER BY key",
            "day_run": "SELECT date FROM day_run ORDER BY date",
        }
        return {name: self.db.execute(query).fetchall() for name, query in tables.items()}
