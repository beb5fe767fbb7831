"""Terms that callers were quoted and have not yet posted."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from transactions.contract import Contracts, Service
from transactions.outcome import Values


@dataclass(frozen=True, slots=True)
class Quote:
    """Terms of one quote: the inputs of the read that gave it and its outputs."""

    money_service: str
    terms: Values = field(repr=False)
    expires_at: float
    """Monotonic seconds."""
    repeat_told: bool = False
    """The caller was told that the same was done in the last minutes (rule 13)."""


class QuoteBook:
    """Bounded and expiring; keyed by the quote text that the caller's menu holds."""

    def __init__(self, limit: int, ttl: float) -> None:
        self._limit = limit
        self._ttl = ttl
        self._quotes: OrderedDict[str, Quote] = OrderedDict()

    def __len__(self) -> int:
        return len(self._quotes)

    def keep(self, text: str, money: Service, terms: Values, now: float, *, told: bool) -> bool:
        """Remember a quote; the oldest goes when the book is full. False, and nothing changes,
        where the text stands for other terms that are still good: they are somebody else's."""
        self._drop_old(now)
        live = self._quotes.get(text)
        if (
            live is not None
            and live.expires_at > now
            and (live.money_service, live.terms)
            != (
                money.name,
                terms,
            )
        ):
            return False
        self._quotes[text] = Quote(money.name, terms, now + self._ttl, told)
        self._quotes.move_to_end(text)
        while len(self._quotes) > self._limit:
            self._quotes.popitem(last=False)
        return True

    def find(self, text: str, money: Service, now: float) -> Quote | None:
        """The quote, where it is this service's and has not expired."""
        quote = self._quotes.get(text)
        if quote is None or quote.money_service != money.name or quote.expires_at <= now:
            return None
        return quote

    def posted(self, text: str, now: float) -> None:
        """Keep a posted quote its whole time again, so that asking twice finds the first."""
        quote = self._quotes.get(text)
        if quote is not None:
            self._quotes[text] = replace(quote, expires_at=now + self._ttl)
            self._quotes.move_to_end(text)

    def _drop_old(self, now: float) -> None:
        while self._quotes:
            first = next(iter(self._quotes))
            if self._quotes[first].expires_at > now:
                return
            del self._quotes[first]


def quote_name(money: Service, contracts: Contracts) -> str:
    """The input of a money service that its quote gives: the handle to the terms."""
    quote = contracts[str(money.quoted_by)]
    return next(name for name in money.inputs if name in quote.outputs)
