"""What orders do beside moving money, by the name in their offer: one table for all products."""

from collections.abc import Mapping
from types import MappingProxyType

from core_adapters.corehost.products.bills.claims import PayBills
from core_adapters.corehost.products.bonds.holdings import BOND_EFFECTS
from core_adapters.corehost.products.companies.payments import PAY_EFFECTS
from core_adapters.corehost.products.deposits import accounts as deposits
from core_adapters.corehost.products.end_of_day.again import (
    FOREIGN_DEPOSIT,
    YUAN_DEPOSIT,
    Again,
)
from core_adapters.corehost.products.exchange.accounts import ROLL
from core_adapters.corehost.products.exchange.product import FX_EFFECTS
from core_adapters.corehost.products.loans.accounts import LOAN_EFFECTS
from core_adapters.corehost.products.orders import Effect
from core_adapters.corehost.products.securities.funds import SECURITIES_EFFECTS


def _names(effect: str) -> str:
    """The table of the deposit that an effect's data name."""
    return FOREIGN_DEPOSIT if effect == ROLL else ""


EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        deposits.OPEN: deposits.OpenEffect(),
        deposits.PAY: Again(deposits.PayEffect(), YUAN_DEPOSIT),
        deposits.DRAWN: Again(deposits.DrawEffect(), YUAN_DEPOSIT),
        PayBills.NAME: PayBills(),
        **LOAN_EFFECTS,
        **BOND_EFFECTS,
        **{name: Again(effect, _names(name)) for name, effect in FX_EFFECTS.items()},
        **SECURITIES_EFFECTS,
        **PAY_EFFECTS,
    }
)
