"""Foreign exchange as the bank has it beside its other products: tables, checks, effects, words."""

from collections.abc import Mapping
from types import MappingProxyType

from core_adapters.corehost.products.exchange import accounts as fx_accounts
from core_adapters.corehost.products.exchange import deals as fx_deals
from core_adapters.corehost.products.exchange import orders as fx_orders
from core_adapters.corehost.products.exchange.execution import FX_EXPIRED, FX_FILLED
from core_adapters.corehost.products.exchange.moves import FX_MERGE, FX_ROLL
from core_adapters.corehost.products.orders import Effect

SCHEMA = fx_accounts.SCHEMA + fx_deals.SCHEMA + fx_orders.SCHEMA
CHECKS = (*fx_accounts.CHECKS, *fx_deals.CHECKS, *fx_orders.CHECKS)

FX_EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        fx_accounts.MERGE: fx_accounts.MergeEffect(),
        fx_accounts.ROLL: fx_accounts.RollEffect(),
        fx_deals.DEAL: fx_deals.DealEffect(),
        fx_orders.PLACE: fx_orders.PlaceEffect(),
        fx_orders.CANCEL: fx_orders.CancelEffect(),
    }
)
"""As `effects.EFFECTS`."""

WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    dict.fromkeys(
        (
            fx_deals.FX_DEAL,
            fx_orders.FX_ORDER,
            fx_orders.FX_CANCEL,
            fx_orders.FX_VOID,
            FX_FILLED,
            FX_EXPIRED,
            FX_MERGE,
            FX_ROLL,
        ),
        ("transfer_in", "transfer_out"),
    )
)
"""As `history.WORDS`: what a customer hears of their entries."""
