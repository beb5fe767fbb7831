"""The month that a message asks after."""

from calendar import monthrange
from datetime import date

from core_adapters.corehost.orders import BadMessage, Order

DATE_DIGITS = 8


def month_of(order: Order) -> date | None:
    """48.month (YYYYMMDD, any day of it) as its first day; None without one."""
    text = order.sub(48, "month")
    if not text:
        return None
    if len(text) != DATE_DIGITS or not (text.isascii() and text.isdigit()):
        raise BadMessage("48.month is no date (YYYYMM01)")
    try:
        return date(int(text[:4]), int(text[4:6]), 1)
    except ValueError as error:
        raise BadMessage("48.month is no month (YYYYMM01)") from error


def last_of(month: date) -> date:
    """The last day of a month."""
    return month.replace(day=monthrange(month.year, month.month)[1])
