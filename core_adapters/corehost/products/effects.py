"""What orders do beside moving money, by the name in their offer: one table for all products."""

from collections.abc import Mapping
from types import MappingProxyType

from core_adapters.corehost.products import deposits
from core_adapters.corehost.products.bills import PayBills
from core_adapters.corehost.products.bonds import BOND_EFFECTS
from core_adapters.corehost.products.fx import FX_EFFECTS
from core_adapters.corehost.products.loans import LOAN_EFFECTS
from core_adapters.corehost.products.orders import Effect
from core_adapters.corehost.products.securities import SECURITIES_EFFECTS

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
    }
)
