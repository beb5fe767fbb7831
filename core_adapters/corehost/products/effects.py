"""What orders do beside moving money, by the name in their offer: one table for all products."""

from collections.abc import Mapping
from types import MappingProxyType

from core_adapters.corehost.products import deposits
from core_adapters.corehost.products.bills import PayBills
from core_adapters.corehost.products.orders import Effect

EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        deposits.OPEN: deposits.OpenEffect(),
        deposits.PAY: deposits.PayEffect(),
        deposits.DRAWN: deposits.DrawEffect(),
        PayBills.NAME: PayBills(),
    }
)
