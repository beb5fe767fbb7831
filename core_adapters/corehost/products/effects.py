"""What orders do beside moving money, by the name in their offer: one table for all products."""

from collections.abc import Mapping
from types import MappingProxyType

from core_adapters.corehost.products.bills.claims import PayBills
from core_adapters.corehost.products.bonds.holdings import BOND_EFFECTS
from core_adapters.corehost.products.companies.payments import PAY_EFFECTS
from core_adapters.corehost.products.deposits import accounts as deposits
from core_adapters.corehost.products.exchange.product import FX_EFFECTS
from core_adapters.corehost.products.loans.accounts import LOAN_EFFECTS
from core_adapters.corehost.products.orders import Effect
from core_adapters.corehost.products.securities.funds import SECURITIES_EFFECTS

EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        deposits.OPEN: deposits.OpenEffect(),
        deposits.PAY: deposits.PayEffect(),
        deposits.DRAWN: deposits.DrawEffect(),
        PayBills.NAME: PayBills(),
        **LOAN_EFFECTS,
        **BOND_EFFECTS,
        **FX_EFFECTS,
        **SECURITIES_EFFECTS,
        **PAY_EFFECTS,
    }
)
